"""Passages that the engines beside an index have not heard of yet, noted in the index itself.

Whatever stops a process, the notes of a file are written with its passages, and go when every
engine has heard of them. Engines can be told twice, so no passage is lost or left behind.
"""

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from typing import final

from headwater.documents.engine import Engine, Entry
from headwater.documents.store import transaction
from headwater.progress import counted_progress

logger = logging.getLogger(__name__)


@final
class Waiting:
    """The notes, as what follows the passages of an index."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __len__(self) -> int:
        """How many passages wait."""
        count: int = self._connection.execute("SELECT count(*) FROM waiting").fetchone()[0]
        return count

    def add(self, entries: Iterable[Entry]) -> None:
        self.remove(entry.id for entry in entries)

    def remove(self, passages: Iterable[int]) -> None:
        self._connection.executemany(
            "INSERT OR IGNORE INTO waiting VALUES (?)", ((number,) for number in passages)
        )

    def add_all(self) -> None:
        """Note every passage of the index."""
        self._connection.execute("INSERT OR IGNORE INTO waiting SELECT id FROM passages")

    def hand_over(self, engines: Sequence[Engine], name: str) -> None:
        """Tell the engines of what waits, some passages at once.

        Args:
            name: of the index, as progress shows it.
        """
        total = len(self)
        if not total:
            return
        at_once = min(engine.at_once for engine in engines)
        with counted_progress(f"{name}: engines", "passages", logger) as progress:
            progress.start(total=total)
            done = 0
            while numbers := self._first(at_once):
                with transaction(self._connection):
                    self._tell(engines, numbers)
                done += len(numbers)
                progress.advance(done)

    def _first(self, most: int) -> list[int]:
        rows = self._connection.execute("SELECT id FROM waiting ORDER BY id LIMIT ?", (most,))
        return [number for (number,) in rows]

    def _tell(self, engines: Sequence[Engine], numbers: Sequence[int]) -> None:
        first, last = numbers[0], numbers[-1]
        among = "id IN (SELECT id FROM waiting WHERE id BETWEEN ? AND ?)"
        rows = self._connection.execute(f"SELECT * FROM entries WHERE {among}", (first, last))
        entries = [Entry(*row) for row in rows]
        gone = set(numbers).difference(entry.id for entry in entries)
        for engine in engines:
            if gone:
                engine.remove(sorted(gone))
            if entries:
                engine.add(entries)
        self._connection.execute("DELETE FROM waiting WHERE id BETWEEN ? AND ?", (first, last))
