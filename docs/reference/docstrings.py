"""Docstrings as this project writes them.

Return a thing.

name, other: what they mean, which may
    go on.

Args:
    third: what it means.

Of some only:
    fourth: what it means there.

Returns:
    what the first line does not say.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from inspect import cleandoc

_ENTRY = re.compile(r"( *)([\w*]+(?:, [\w*]+)*): (.*)")
_HEADER = re.compile(r"[A-Z].*:")
_USUAL = ("Args:", "Attributes:", "Returns:")


@dataclass(frozen=True, slots=True)
class Said:
    """What a docstring says.

    text: without what follows.
    meanings: of the names.
    returns: the part of that name.
    """

    text: str
    meanings: dict[str, str]
    returns: str


def read_docstring(docstring: str, names: Collection[str]) -> Said:
    """Take a docstring apart.

    Args:
        names: those that it may explain; other words before a colon are part of the text.
    """
    lines = cleandoc(docstring).splitlines()
    text, meanings, header, place = list[str](), dict[str, str](), "", 0
    returns = ""
    while place < len(lines):
        line, place = lines[place], place + 1
        following = lines[place] if place < len(lines) else ""
        if _HEADER.fullmatch(line) and (line == "Returns:" or _entry(following, names)):
            header = line
        elif (entry := _entry(line, names)) is not None:
            own, indent, meaning = entry
            body, place = _continued(lines, place, indent)
            before = "" if header in _USUAL or not indent else f"{header} "
            meanings |= dict.fromkeys(own, " ".join([f"{before}{meaning}", *body]))
        elif header == "Returns:" and line.startswith(" "):
            returns = f"{returns} {line.strip()}".strip()
        else:
            text.append(line)
    return Said(re.sub(r"\n{3,}", "\n\n", "\n".join(text)).strip(), meanings, returns)


def _entry(line: str, names: Collection[str]) -> tuple[list[str], int, str] | None:
    """Return the names that a line explains, how far it is indented, and what it says."""
    found = _ENTRY.fullmatch(line)
    if found is None or not set(own := found[2].split(", ")) <= set(names):
        return None
    return own, len(found[1]), found[3]


def _continued(lines: list[str], place: int, indent: int) -> tuple[list[str], int]:
    """Return the lines from `place` on that go on with an entry, and the place after them."""
    end = place
    while end < len(lines) and lines[end].startswith(" " * (indent + 1)):
        end += 1
    return [line.strip() for line in lines[place:end]], end
