"""What the tables of an index hold: files with their status, and passages."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from headwater.documents.engine import Entry, Follower
from headwater.documents.intact import intact
from headwater.documents.passages import Passage

Status = Literal["indexed", "failed", "skipped"]
"""Indexed; a file that should be and could not; a file of no known kind."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of an index.

    path: absolute; bytes of it that are not UTF-8 are escaped (`paths.as_text`).
    size, modified, sha256: in bytes, in nanoseconds since 1970, and of the content; what it was
        when it was read.
    converter: with its version and that of its library.
    reason: why it is not indexed, or what of it is not.
    title: of the document, or its name.
    characters: of the extracted text.
    passages: how many it has.
    """

    path: str
    size: int
    modified: int
    sha256: str
    converter: str
    status: Status
    reason: str = ""
    title: str = ""
    characters: int = 0
    passages: int = 0


_FIELDS = [field.name for field in fields(FileRow)]
_COLUMNS = ", ".join(_FIELDS)
_KINDS = (str, int, int, str, str, str, str, str, int, int)


def files_of(connection: sqlite3.Connection) -> Iterator[FileRow]:
    """Yield the files in the order of their paths."""
    for row in connection.execute(f"SELECT {_COLUMNS} FROM files ORDER BY path"):
        yield FileRow(*intact(row, _KINDS))


def put_file(
    connection: sqlite3.Connection,
    followers: Sequence[Follower],
    row: FileRow,
    passages: Sequence[Passage] = (),
) -> None:
    """Put a file in the place of what the index has of it; to be called in a transaction."""
    remove_file(connection, followers, row.path)
    marks = ", ".join("?" * len(_FIELDS))
    values = [getattr(row, name) for name in _FIELDS]
    file = connection.execute(f"INSERT INTO files ({_COLUMNS}) VALUES ({marks})", values).lastrowid
    first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM passages").fetchone()[0]
    numbered = list(enumerate(passages, first))
    connection.executemany(
        "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (number, file, _lines(each), each.text, each.page, each.start, each.end, each.edits)
            for number, each in numbered
        ),
    )
    entries = [Entry(number, row.title, _lines(each), each.text) for number, each in numbered]
    for follower in followers:
        follower.add(entries)


def touch_file(connection: sqlite3.Connection, row: FileRow) -> None:
    """Note another size and time of a file that holds the same."""
    connection.execute(
        "UPDATE files SET size = ?, modified = ? WHERE path = ?", (row.size, row.modified, row.path)
    )


def remove_file(connection: sqlite3.Connection, followers: Sequence[Follower], path: str) -> None:
    """Remove a file and its passages; to be called in a transaction."""
    found = connection.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
    if found is None:
        return
    rows = connection.execute("SELECT id FROM passages WHERE file = ?", found)
    passages = [number for (number,) in rows]
    for follower in followers:
        follower.remove(passages)
    connection.execute("DELETE FROM passages WHERE file = ?", found)
    connection.execute("DELETE FROM files WHERE id = ?", found)


def _lines(passage: Passage) -> str:
    return "\n".join(passage.headings)
