"""Finding passages by PostgreSQL's full text, for many machines that search one set of passages.

A passage is a row with its words (`tsvector`): headings in class A, title in B, text in D. Ranks
are those of `ts_rank`, which counts words and knows nothing of how rare they are.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, final

from headwater.documents.engine import Entry, Ranked
from headwater.documents.question_words import question_words
from headwater.documents.word_search import WEIGHTS
from headwater.errors import UserError

_PATIENCE = 10  # seconds until the server must have answered
_MOST = max(WEIGHTS.values())
_CLASSES = [WEIGHTS[name] / _MOST for name in ("text", "text", "title", "headings")]  # D, C, B, A
_TABLE = """
CREATE TABLE IF NOT EXISTS {table} (id bigint PRIMARY KEY, words tsvector NOT NULL);
CREATE INDEX IF NOT EXISTS {words} ON {table} USING gin (words);
"""
_ADD = """
INSERT INTO {table} VALUES (%(id)s, setweight(to_tsvector('english', %(headings)s), 'A')
    || setweight(to_tsvector('english', %(title)s), 'B') || to_tsvector('english', %(text)s))
    ON CONFLICT (id) DO UPDATE SET words = EXCLUDED.words
"""
_SEARCH = """
SELECT id, ts_rank(%s::float4[], words, query, 1) AS score
    FROM {table}, to_tsquery('english', %s) AS query
    WHERE words @@ query ORDER BY score DESC, id LIMIT %s
"""


@final
class PostgresSearch:
    """An engine whose passages are in a table of its own.

    Args:
        url: of the database, without a password: that is for ~/.pgpass or PGPASSWORD.
    """

    at_once = 5_000

    def __init__(self, url: str, table: str) -> None:
        self._url, self._table = url, table

    def add(self, entries: Iterable[Entry]) -> None:
        with self._transaction() as cursor:
            cursor.execute(self._query(_TABLE))
            cursor.executemany(self._query(_ADD), [entry._asdict() for entry in entries])

    def remove(self, passages: Iterable[int]) -> None:
        with self._transaction() as cursor:
            cursor.execute(self._query(_TABLE))
            gone = list(passages)
            cursor.execute(self._query("DELETE FROM {table} WHERE id = ANY(%s)"), (gone,))

    def clear(self) -> None:
        with self._transaction() as cursor:
            cursor.execute(self._query("DROP TABLE IF EXISTS {table}"))

    def search(self, question: str, limit: int) -> list[Ranked]:
        words = question_words(question)
        if not words or limit < 1:
            return []
        wanted = " | ".join(f"'{word}'" for word in words)
        with self._transaction() as cursor:
            cursor.execute(self._query(_SEARCH), (_CLASSES, wanted, limit))
            return [Ranked(*row) for row in cursor.fetchall()]

    def _query(self, text: str) -> Any:
        from psycopg.sql import SQL, Identifier

        names = {"table": Identifier(self._table), "words": Identifier(f"{self._table}_words")}
        return SQL(text).format(**names)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """Give a cursor; what is done by it is safe when the block ends, or undone."""
        with connected(self._url) as connection, connection.cursor() as cursor:
            yield cursor


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """Connect to a database; what it refuses is one line."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=_PATIENCE) as connection:
            yield connection
    except psycopg.Error as error:
        said = " ".join(str(error).split())[:200]
        raise UserError(f"{url}: PostgreSQL says: {said}") from None
