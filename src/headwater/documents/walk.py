"""The files below a folder, in the order of their names, and what cannot be read.

Hidden files and folders are left out, and so are folders behind links: they could run in a circle.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

_LATEST = 2**63 - 1  # nanoseconds that an index holds, those of 2262; file systems know later times


class Found(NamedTuple):
    """A file, or what is none.

    fault: why it cannot be read, or "".
    folder: it is one; folders that can be read are not told.
    size: in bytes.
    modified: nanoseconds since 1970.
    identity: the same for two names of one file; None where the system tells none.
    """

    path: Path
    fault: str = ""
    folder: bool = False
    size: int = 0
    modified: int = 0
    identity: tuple[int, int] | None = None


def walk(root: Path, entered: Callable[[Path], bool] = lambda folder: True) -> Iterator[Found]:
    """Yield what is below a folder, or the one file that is given.

    Args:
        entered: whether to look into a folder.
    """
    if not root.is_dir():
        yield looked_at(root)
        return
    faults: list[Found] = []

    def unreadable(error: OSError) -> None:
        faults.append(Found(Path(error.filename), error.strerror or str(error), folder=True))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        yield from faults
        faults.clear()
        here = Path(folder)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and entered(here / name)
        )
        for name in sorted(names):
            if not name.startswith("."):
                yield looked_at(here / name)
    yield from faults


def looked_at(path: Path) -> Found:
    """Return a file with its size and time, or why it is none."""
    try:
        seen = path.stat()
    except (OSError, ValueError) as error:
        if path.is_symlink():
            return Found(path, "a link to nothing")
        return Found(path, getattr(error, "strerror", None) or str(error))
    if not stat.S_ISREG(seen.st_mode):
        return Found(path, "not a file", folder=stat.S_ISDIR(seen.st_mode))
    modified = max(-_LATEST, min(seen.st_mtime_ns, _LATEST))
    identity = (seen.st_dev, seen.st_ino) if seen.st_ino else None
    return Found(path, "", False, seen.st_size, modified, identity)
