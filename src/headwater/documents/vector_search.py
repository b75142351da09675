"""Finding passages by vectors, kept in the index as int8 with a scale, and compared one by one.

All vectors are held as one matrix: a million of 384 numbers take 0.4 GB, and no other index of them
is needed below that.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, final

import numpy as np
from numpy.typing import NDArray

from headwater.documents.engine import Entry, Ranked
from headwater.documents.intact import DamagedRow, intact
from headwater.inference.unit_vectors import unit

_LARGEST = 127  # of an int8 that has its negative
_ROWS = 4096  # that are multiplied at once: as floats they fit a processor's cache

Floats = NDArray[np.float32]


class Embeds(Protocol):
    """Gives the vectors of texts, float32 `[texts, width]`."""

    def __call__(self, texts: Sequence[str], prompt: str, /) -> Floats: ...


class _Matrix(NamedTuple):
    """The vectors of all passages.

    version: of the index's content.
    ids: int64 `[passages]`. scales: float32 `[passages]`. vectors: int8 `[passages, width]`.
    """

    version: int
    ids: NDArray[np.int64]
    scales: Floats
    vectors: NDArray[np.int8]


@final
class VectorSearch:
    """Ranks passages by the cosine of their vectors and the question's.

    Args:
        embeds: opens the model when it is first needed.
    """

    at_once = 256  # passages whose vectors are computed before they are safe

    def __init__(self, connection: sqlite3.Connection, embeds: Callable[[], Embeds]) -> None:
        self._connection, self._embeds = connection, embeds
        self._matrix: _Matrix | None = None

    def add(self, entries: Iterable[Entry]) -> None:
        entries = list(entries)
        vectors, scales = quantized(self._embeds()([told(each) for each in entries], "document"))
        rows = zip(entries, scales.tolist(), vectors, strict=True)
        self._connection.executemany(
            "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
            ((entry.id, scale, vector.tobytes()) for entry, scale, vector in rows),
        )

    def remove(self, passages: Iterable[int]) -> None:
        self._connection.executemany(
            "DELETE FROM vectors WHERE id = ?", ((number,) for number in passages)
        )

    def clear(self) -> None:
        self._connection.execute("DELETE FROM vectors")

    def search(self, question: str, limit: int) -> list[Ranked]:
        if limit < 1 or not question.strip():
            return []
        matrix = self._loaded()
        if not len(matrix.ids):
            return []
        [vector] = unit(self._embeds()([question], "query"))
        scores = products(matrix.vectors, matrix.scales, vector)
        most = min(limit, len(scores))
        best = np.argpartition(-scores, most - 1)[:most]
        best = best[np.lexsort((matrix.ids[best], -scores[best]))]
        return [Ranked(int(matrix.ids[each]), float(scores[each])) for each in best]

    def _loaded(self) -> _Matrix:
        """Return the vectors, read again where another process has changed the index."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if self._matrix is None or self._matrix.version != version:
            cursor = self._connection.execute("SELECT id, scale, vector FROM vectors")
            widths = set[int]()
            ids, scales, vectors = [np.empty(0, np.int64)], [np.empty(0, np.float32)], []
            while rows := cursor.fetchmany(_ROWS):
                widths |= {len(intact(row, (int, float, bytes))[2]) for row in rows}
                if len(widths) > 1:
                    raise DamagedRow("vectors of several widths")
                ids.append(np.array([number for number, _, _ in rows], np.int64))
                scales.append(np.array([scale for _, scale, _ in rows], np.float32))
                joined = np.frombuffer(b"".join(vector for _, _, vector in rows), np.int8)
                vectors.append(joined.reshape(len(rows), -1))
            matrix = np.concatenate(vectors or [np.empty((0, 0), np.int8)])
            self._matrix = _Matrix(version, np.concatenate(ids), np.concatenate(scales), matrix)
        return self._matrix


def told(entry: Entry) -> str:
    """Return a passage as it is embedded: below its title and headings."""
    above = dict.fromkeys([entry.title, *entry.headings.split("\n")])
    return "\n".join([*filter(None, above), entry.text])


def quantized(vectors: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return vectors of length 1 as int8 `[texts, width]`, and what each is to be multiplied by."""
    units = unit(vectors)
    scales = np.maximum(np.abs(units).max(axis=1), np.finfo(np.float32).tiny) / _LARGEST
    return np.rint(units / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def products(vectors: NDArray[np.int8], scales: Floats, vector: Floats) -> Floats:
    """Return the product of each of the quantized vectors with one of floats."""
    found = np.empty(len(vectors), np.float32)
    for begin in range(0, len(vectors), _ROWS):
        part = slice(begin, begin + _ROWS)
        found[part] = vectors[part].astype(np.float32) @ vector
    return found * scales
