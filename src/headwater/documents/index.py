"""An index of documents: what it holds, and searching it."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from headwater.documents.engine import Engine, Ranked
from headwater.documents.hit import Hit
from headwater.documents.literal import Edits
from headwater.documents.rows import FileRow, files_of
from headwater.documents.store import check, opened_for_reading, opened_for_writing, sqlite_errors
from headwater.documents.word_search import WordSearch
from headwater.paths import as_path

_AT_ONCE = 500  # passages that are fetched by one query


@dataclass(frozen=True, slots=True)
class Summary:
    """What an index holds.

    sources: the files and folders that it is made of.
    files: how many there are of each status.
    characters: of the extracted texts.
    size: of the index on the disk, in bytes.
    """

    sources: tuple[str, ...]
    files: dict[str, int]
    passages: int
    characters: int
    size: int


@final
class Index:
    """An index, opened for reading; it may be updated meanwhile. A context closes it.

    Args:
        connection: of `store.opened_for_reading`.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._engine: Engine = WordSearch(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def search(self, question: str, limit: int = 10) -> list[Hit]:
        """Return at most so many passages that share words with a question, the best first."""
        with sqlite_errors(self.path):
            return self._hits(self._engine.search(question, limit))

    def files(self) -> Iterator[FileRow]:
        """Yield the files with their status, in the order of their paths."""
        with sqlite_errors(self.path):
            yield from files_of(self._connection)

    def summary(self) -> Summary:
        """Return what the index holds, in numbers."""
        ask = self._connection.execute
        with sqlite_errors(self.path):
            sources = ask("SELECT path FROM sources WHERE NOT removed ORDER BY path").fetchall()
            files = ask("SELECT status, count(*) FROM files GROUP BY status ORDER BY status")
            passages, characters = ask(
                "SELECT coalesce(sum(passages), 0), coalesce(sum(characters), 0) FROM files"
            ).fetchone()
            return Summary(
                tuple(path for (path,) in sources),
                dict(files.fetchall()),
                passages,
                characters,
                self.path.stat().st_size,
            )

    def verify(self) -> None:
        """Refuse a damaged index, having read all of it."""
        with opened_for_writing(self.path) as connection:
            check(connection, self.path, words=True)

    def _hits(self, ranked: Sequence[Ranked]) -> list[Hit]:
        """Return the passages that were found, in their order."""
        rows = dict[int, Hit]()
        scores = {each.id: each.score for each in ranked}
        for begin in range(0, len(ranked), _AT_ONCE):
            ids = [each.id for each in ranked[begin : begin + _AT_ONCE]]
            query = (
                "SELECT passages.id, path, title, headings, text, page, first, last, edits FROM "
                "passages JOIN files ON files.id = passages.file "
                f"WHERE passages.id IN ({', '.join('?' * len(ids))})"
            )
            for number, path, title, headings, text, *place, edits in self._connection.execute(
                query, ids
            ):
                parts = tuple(headings.split("\n")) if headings else ()
                page, first, last = place
                rows[number] = Hit(
                    *(number, path, title, parts, text, scores[number], page, first, last),
                    edits=Edits.decode(edits),
                )
        return [rows[each.id] for each in ranked if each.id in rows]


def open_index(path: str | Path) -> Index:
    """Open an index of `headwater index build`, to search it."""
    file = as_path(path)
    return Index(file, opened_for_reading(file))
