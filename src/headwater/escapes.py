"""Making visible what a terminal would obey: documents, names and messages may hold anything.

>>> print(visible("a\\x1b[2Jb"), visible("\\u202etxt.exe"))
a\\u001b[2Jb \\u202etxt.exe
"""

import re

# Control characters but for tab and line feed; line ends that only some programs know; characters
# that turn the direction of what follows.
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Write what a terminal would obey as JSON does: an escape as `\\u001b`."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
