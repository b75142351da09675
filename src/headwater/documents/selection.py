"""Which files an index is made of: folders and files, without what was removed, by globs."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from headwater.documents.intact import intact
from headwater.documents.walk import Found, looked_at, walk
from headwater.errors import UserError
from headwater.paths import as_path, as_text


@dataclass(frozen=True, slots=True)
class Selection:
    """Files and folders, and which of the files below them.

    A glob is compared with a file's name and with its path below its folder; `*` matches `/` too.

    include: at least one must match, where there are any.
    exclude: none may match, neither the file nor a folder on its way.
    removed: paths that stay out.
    """

    sources: tuple[Path, ...]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    removed: frozenset[Path] = frozenset()

    def files(self) -> Iterator[Found]:
        """Yield the files in order, and what cannot be read."""
        for source in self.sources:
            for found in walk(source, partial(self._enters, source)):
                if self._takes(found, source):
                    yield found

    def adding(self, sources: Sequence[Path]) -> "Selection":
        """Return the selection with more files and folders; what was removed below them is back."""
        removed = (each for each in self.removed if not any(map(each.is_relative_to, sources)))
        return replace(
            self,
            sources=tuple(dict.fromkeys([*self.sources, *sources])),
            removed=frozenset(removed),
        )

    def _enters(self, root: Path, folder: Path) -> bool:
        return folder not in self.removed and not self._matches(self.exclude, folder, root)

    def _takes(self, found: Found, root: Path) -> bool:
        if found.path in self.removed or self._matches(self.exclude, found.path, root):
            return False
        if not self.include or found.folder or found.path == root:
            return True
        return self._matches(self.include, found.path, root)

    def _matches(self, globs: Iterable[str], path: Path, root: Path) -> bool:
        below = str(path.relative_to(root)) if path != root else path.name
        return any(fnmatch(path.name, glob) or fnmatch(below, glob) for glob in globs)


def absolute(path: Path | str) -> Path:
    """Return a path from the root, without following links."""
    try:
        return as_path(path).expanduser().absolute()
    except RuntimeError as error:  # no such user
        raise UserError(f"{path}: not a usable file name ({error})") from None


def check_sources(sources: Sequence[Path], index: Path | None = None) -> None:
    """Refuse files and folders that are not there: their passages would be removed.

    Args:
        index: one that is made of them.
    """
    for source in sources:
        found = looked_at(source)
        if found.fault and not found.folder:
            name = as_text(source)
            fault = "no such file or folder" if not source.exists() else found.fault
            if index is None:
                raise UserError(f"{name}: {fault}; name files and folders with documents")
            raise UserError(
                f"{name}: {fault}; if it is gone for good, run `headwater index remove {index} "
                f"{name}`"
            )


def read_selection(connection: sqlite3.Connection) -> Selection:
    """Return what an index is made of."""
    ask = connection.execute
    found = ask("SELECT path, removed FROM sources ORDER BY rowid")
    rows = [intact(row, (str, int)) for row in found]
    found = ask("SELECT kind, glob FROM globs ORDER BY rowid")
    globs = [intact(row, (str, str)) for row in found]
    return Selection(
        tuple(as_path(path) for path, removed in rows if not removed),
        tuple(glob for kind, glob in globs if kind == "include"),
        tuple(glob for kind, glob in globs if kind == "exclude"),
        frozenset(as_path(path) for path, removed in rows if removed),
    )


def write_selection(connection: sqlite3.Connection, selection: Selection) -> None:
    """Keep what an index is made of; to be called in a transaction."""
    connection.execute("DELETE FROM sources")
    connection.execute("DELETE FROM globs")
    paths = [*((each, 0) for each in selection.sources), *((each, 1) for each in selection.removed)]
    connection.executemany(
        "INSERT OR IGNORE INTO sources VALUES (?, ?)",
        ((as_text(path), removed) for path, removed in paths),
    )
    globs = [(glob, "include") for glob in selection.include]
    globs += [(glob, "exclude") for glob in selection.exclude]
    connection.executemany("INSERT OR IGNORE INTO globs VALUES (?, ?)", globs)
