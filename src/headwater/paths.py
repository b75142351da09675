"""Names of files: as text that every file can hold, where links lead, and where the cache is.

On Linux a name may be any bytes, and Python has those that are not UTF-8 as half characters, which
neither JSON nor TOML can hold. There they are written `caf\\xe9.txt`.
"""

import os
import re
from pathlib import Path

_HALF = re.compile("[\udc80-\udcff]")
_ESCAPED = re.compile(r"\\x([89a-f][0-9a-f])")


def as_text(path: Path | str) -> str:
    """Return a path as text in which bytes that are not UTF-8 are escaped."""
    return _HALF.sub(lambda half: f"\\x{ord(half[0]) - 0xDC00:02x}", str(path))


def as_path(text: Path | str) -> Path:
    """Return the path that a text of `as_text` stands for; a file of just that name comes first."""
    path = Path(text)
    if not _ESCAPED.search(str(text)) or os.path.lexists(path):
        return path
    return Path(_ESCAPED.sub(lambda byte: chr(0xDC00 + int(byte[1], 16)), str(text)))


def real(path: Path) -> Path:
    """Return the absolute path with links followed; where they run in a circle, as it is."""
    return Path(os.path.realpath(path))


def cache_folder(name: str) -> Path:
    """Return a folder of this library in the user's cache; it need not be there."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "headwater" / name
