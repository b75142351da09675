"""The engines of an index: what follows its passages, and what searches them."""

import sqlite3
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from headwater.documents.engine import Engine, Follower, Searcher
from headwater.documents.engine_choice import (
    SQLITE,
    TANTIVY,
    engine_setting,
    is_same,
    other_engine,
    with_table,
)
from headwater.documents.fusion import Fusion
from headwater.documents.settings import read_setting, write_setting
from headwater.documents.vector_model import embeds_of, vector_setting
from headwater.documents.waiting import Waiting
from headwater.documents.word_search import WordSearch
from headwater.paths import as_text

if TYPE_CHECKING:  # it brings numpy
    from headwater.documents.vector_search import VectorSearch

WORDS, VECTORS = 2.0, 1.0
"""The weights of both searches in their fusion."""


def followers(connection: sqlite3.Connection, path: Path) -> list[Follower]:
    """Return what is told of passages in the transaction of their file."""
    found: list[Follower] = []
    if _other(connection, path) is None:
        found.append(WordSearch(connection))
    if beside(connection, path):
        found.append(Waiting(connection))
    return found


def beside(connection: sqlite3.Connection, path: Path) -> list[Engine]:
    """Return the engines that are told afterwards."""
    engines = (_other(connection, path), _vectors(connection, path))
    return [engine for engine in engines if engine is not None]


def searcher(connection: sqlite3.Connection, path: Path) -> Searcher:
    """Return what finds passages: words, or words and vectors together."""
    words = _other(connection, path) or WordSearch(connection)
    vectors = _vectors(connection, path)
    return words if vectors is None else Fusion((WORDS, words), (VECTORS, vectors))


class Chosen(NamedTuple):
    """Settings of an engine and of vectors; None: as they are."""

    engine: dict[str, str] | None
    vectors: dict[str, str] | None

    @classmethod
    def of(cls, engine: str | None, vectors: str | None) -> Self:
        """Look up an engine and a model that the user names, before an index is touched."""
        return cls(
            None if engine is None else engine_setting(engine),
            None if vectors is None else vector_setting(vectors),
        )

    def use(self, connection: sqlite3.Connection, path: Path) -> None:
        """Let an index have what was chosen; to be called in a transaction."""
        if self.engine is not None:
            _use_engine(connection, path, self.engine)
        if self.vectors is not None:
            _use_vectors(connection, path, self.vectors)


def _use_engine(connection: sqlite3.Connection, path: Path, setting: dict[str, str]) -> None:
    """Let an index find words by an engine, no longer by another."""
    before = read_setting(connection, "engine")
    if is_same(setting, before, path):
        return
    write_setting(connection, "engine", with_table(setting))
    engine = _other(connection, path)
    if engine is None:
        WordSearch(connection).rebuild()
    else:
        engine.clear()
        engine.add(())  # it can be searched at once, and finds nothing
        Waiting(connection).add_all()
    if not before.get("name") == setting["name"] == TANTIVY:  # whose folder is the new one's
        (other_engine(before, path) or WordSearch(connection)).clear()


def _use_vectors(connection: sqlite3.Connection, path: Path, setting: dict[str, str]) -> None:
    """Let an index have a model's vectors, no longer those of another."""
    if read_setting(connection, "vectors") == setting:
        return
    write_setting(connection, "vectors", setting)
    vectors = _vectors(connection, path)
    assert vectors is not None
    vectors.clear()
    Waiting(connection).add_all()


def clear(connection: sqlite3.Connection, path: Path) -> None:
    """Let nothing of an index stay in the engines beside it."""
    for engine in beside(connection, path):
        engine.clear()


def tell(connection: sqlite3.Connection, path: Path) -> None:
    """Tell the engines beside an index of the passages that they have not heard of."""
    if engines := beside(connection, path):
        Waiting(connection).hand_over(engines, path.name)


def engine_name(connection: sqlite3.Connection) -> str:
    """Return how the engine of an index is called."""
    setting = read_setting(connection, "engine")
    return str(setting.get("url") or setting.get("name", SQLITE))


def _other(connection: sqlite3.Connection, path: Path) -> Engine | None:
    return other_engine(read_setting(connection, "engine"), path)


def _vectors(connection: sqlite3.Connection, path: Path) -> "VectorSearch | None":
    setting = read_setting(connection, "vectors")
    if not setting:
        return None
    from headwater.documents.vector_search import VectorSearch

    return VectorSearch(connection, partial(embeds_of, setting, as_text(path)))
