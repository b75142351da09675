"""An index of documents: what it holds, and searching it."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

from headwater.arguments import check_count, check_name, check_number, check_text
from headwater.documents.engine import Ranked
from headwater.documents.engines import engine_name, searcher
from headwater.documents.filters import takes_all
from headwater.documents.hit import Hit
from headwater.documents.intact import DamagedRow, intact
from headwater.documents.literal import Edits
from headwater.documents.rows import FileRow, files_of
from headwater.documents.settings import read_setting
from headwater.documents.store import (
    check,
    closed_on_error,
    opened_for_reading,
    opened_for_writing,
    sqlite_errors,
)
from headwater.documents.waiting import Waiting
from headwater.errors import UserError
from headwater.paths import as_path

if TYPE_CHECKING:  # only asking needs torch
    from headwater.documents.asking import Asking
    from headwater.documents.reply import Reply
    from headwater.inference.loaded import LoadedModel
    from headwater.inference.passage_reader import PassageReader

_MORE = 8  # times as many passages are found where a filter leaves too few
_MOST = 10**9  # passages; SQLite itself has no numbers without end
_AT_ONCE = 500  # passages that are fetched by one query
_HIT = "passages.id, path, title, headings, text, page, first, last, edits"
_HIT_KINDS = (int, str, str, str, str, int | None, int, int, bytes | None)


@dataclass(frozen=True, slots=True)
class Summary:
    """What an index holds.

    sources: the files and folders that it is made of.
    files: how many there are of each status.
    passages: how many the texts are cut into.
    characters: of the extracted texts.
    size: of the index on the disk, in bytes.
    engine: what finds words in it.
    vectors: the model whose vectors it has, "" where it has none.
    waiting: passages that engines beside it have not heard of, since an update was stopped.
    """

    sources: tuple[str, ...]
    files: dict[str, int]
    passages: int
    characters: int
    size: int
    engine: str
    vectors: str
    waiting: int


@final
class Index:
    """An index, opened for reading; it may be updated meanwhile. A context closes it.

    Args:
        connection: of `store.opened_for_reading`.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        with sqlite_errors(path):
            self._chosen = self._settings()
            self._engine = searcher(connection, path)
        self._models: dict[str, LoadedModel] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def search(
        self, question: str, limit: int = 10, filters: str | Sequence[str] = ()
    ) -> list[Hit]:
        """Return at most so many passages that fit a question, the best first.

        They share words with it. In an index with vectors they are also near in meaning.

        Args:
            question: a question, or some words.
            limit: how many passages at most.
            filters: conditions that their files must meet, such as `path=*.pdf` (see `filters`).
        """
        check_text(question, "question")
        limit = 0 if limit == 0 else min(check_count(limit, "limit"), _MOST)
        with sqlite_errors(self.path):
            if self._chosen != (chosen := self._settings()):  # built anew with another engine
                self._chosen, self._engine = chosen, searcher(self._connection, self.path)
            return self._hits(self._ranked(question, limit, filters))

    def _settings(self) -> list[dict[str, Any]]:
        return [read_setting(self._connection, name) for name in ("engine", "vectors")]

    def ask(
        self,
        question: str,
        model: "str | Path | LoadedModel" = "reader",
        *,
        top_k: int = 1,
        filters: str | Sequence[str] = (),
        options: "Asking | None" = None,
    ) -> "Reply":
        """Answer a question from the passages that a search finds, with every answer's places.

        Args:
            model: finds answers in passages, or writes them. One that is given by name is loaded
                once.
            top_k: how many answers.
            filters: see `search`.
            options: how many passages are found and read; None: as `Asking` has it.
        """
        from headwater.documents.asking import Asking, answered

        if not check_text(question, "question").strip():
            raise UserError("the question is empty")
        options = options or Asking()
        reader = self.passage_reader(self._loaded(model), options)
        read = min(check_count(options.read, "read"), _MOST)
        check_count(options.retrieve, "retrieve")
        hits = self.search(question, options.searched, filters)
        if not hits:
            self._check_some(filters)
        return answered(question, hits, reader, read, check_count(top_k, "top_k"))

    def files(self) -> Iterator[FileRow]:
        """Yield the files with their status, in the order of their paths."""
        with sqlite_errors(self.path):
            yield from files_of(self._connection)

    def summary(self) -> Summary:
        """Return what the index holds, in numbers."""
        ask = self._connection.execute
        with sqlite_errors(self.path):
            sources = ask("SELECT path FROM sources WHERE NOT removed ORDER BY path")
            files = ask("SELECT status, count(*) FROM files GROUP BY status ORDER BY status")
            passages, characters = ask(
                "SELECT coalesce(sum(passages), 0), coalesce(sum(characters), 0) FROM files"
            ).fetchone()
            return Summary(
                tuple(str(*intact(row, [str])) for row in sources),
                dict(files.fetchall()),
                passages,
                characters,
                self.path.stat().st_size,
                engine_name(self._connection),
                read_setting(self._connection, "vectors").get("model", ""),
                len(Waiting(self._connection)),
            )

    def verify(self) -> None:
        """Refuse a damaged index, having read all of it.

        Where it may not be written, what finds words is not compared with the passages: SQLite
        does that as a change.
        """
        if os.access(self.path, os.W_OK):
            with opened_for_writing(self.path) as connection:
                check(connection, self.path, words=True)
        else:
            with sqlite_errors(self.path):
                check(self._connection, self.path)

    def passage_reader(self, model: "LoadedModel", options: "Asking") -> "PassageReader":
        """Return what answers from passages, calibrated where `index calibrate` has done so."""
        from headwater.documents.calibrations import calibration_of
        from headwater.inference.passage_reader import SpanPassageReader
        from headwater.inference.score_scaling import ScoreScaling

        weight, threshold = (
            None if number is None else check_number(number, name)
            for name, number in (
                ("rank_weight", options.rank_weight),
                ("no_answer_threshold", options.no_answer_threshold),
            )
        )
        with sqlite_errors(self.path):
            known = calibration_of(self._connection, model.folder)
        if known is not None:
            weight = known.rank_weight if weight is None else weight
            threshold = known.threshold if threshold is None else threshold
        reader = model.passage_reader(weight, threshold)
        if known is not None and isinstance(reader, SpanPassageReader):
            return replace(reader, scaling=ScoreScaling(known.slope, known.intercept))
        return reader

    def _check_some(self, filters: str | Sequence[str]) -> None:
        """Refuse to say that the documents do not say where none was asked."""
        takes = takes_all(filters)
        if not any(row.passages and takes(row.path, row.modified) for row in self.files()):
            asked = "meets the filters" if filters else "holds text"
            raise UserError(f"{self.path}: no file of this index {asked}; see `index show --all`")

    def _loaded(self, model: "str | Path | LoadedModel") -> "LoadedModel":
        """Return a model; one that is given by name is kept."""
        from headwater.inference.loaded import LoadedModel, load

        if isinstance(model, LoadedModel):
            return model
        name = check_name(model, "model")
        if name not in self._models:
            self._models[name] = load(name)
        return self._models[name]

    def _ranked(self, question: str, limit: int, filters: str | Sequence[str]) -> list[Ranked]:
        """Return what the engine finds in the files that meet the filters."""
        if not filters:
            return self._engine.search(question, limit)
        takes, ask = takes_all(filters), self._connection.execute
        rows = ask("SELECT id, path, modified FROM files").fetchall()
        files = {
            number
            for number, path, modified in (intact(row, (int, str, int)) for row in rows)
            if takes(path, modified)
        }
        most = _MORE * limit
        while files:
            ranked = self._engine.search(question, most)
            placed = self._rows("passages.id, file", [each.id for each in ranked])
            inside = {number for number, file in placed if file in files}
            kept = [each for each in ranked if each.id in inside]
            if len(kept) >= limit or len(ranked) < most:
                return kept[:limit]
            most *= _MORE
        return []

    def _hits(self, ranked: Sequence[Ranked]) -> list[Hit]:
        """Return the passages that were found, in their order."""
        rows = dict[int, Hit]()
        scores = {each.id: each.score for each in ranked}
        for row in self._rows(_HIT, list(scores)):
            number, path, title, headings, text, page, first, last, data = intact(row, _HIT_KINDS)
            try:
                edits = Edits.decode(data)
            except IndexError:
                raise DamagedRow("the edits of a passage are cut") from None
            parts = tuple(headings.split("\n")) if headings else ()
            rows[number] = Hit(
                *(number, path, title, parts, text, scores[number], page, first, last),
                edits=edits,
            )
        return [rows[each.id] for each in ranked if each.id in rows]

    def _rows(self, columns: str, passages: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Yield what the tables have of some passages."""
        for begin in range(0, len(passages), _AT_ONCE):
            ids = passages[begin : begin + _AT_ONCE]
            yield from self._connection.execute(
                f"SELECT {columns} FROM passages JOIN files ON files.id = passages.file "
                f"WHERE passages.id IN ({', '.join('?' * len(ids))})",
                ids,
            )


def open_index(path: str | Path) -> Index:
    """Open an index of `headwater index build`, to search and to ask it.

    Args:
        path: its file.
    """
    name = check_name(path, "path")
    if "\0" in name:
        raise UserError(f"{name!r}: not a usable file name")
    file = as_path(name)
    connection = opened_for_reading(file)
    with closed_on_error(connection):
        return Index(file, connection)
