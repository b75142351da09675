"""Reading questions on a text: SQuAD files, v1.1 and v2.0, and tables of your own.

SQuAD's format (Rajpurkar et al. 2016 and 2018): `data` -> articles -> `paragraphs` -> `context` and
`qas` -> `id`, `question`, `answers` -> `text` and `answer_start`; v2.0 adds `is_impossible`. The
hub's Parquet files hold a question a row, with `text` and `answer_start` of all its answers as two
lists. Ids and answers that are whole numbers are texts.

What counts in a score is what the official scripts read: every question, its `answers` and their
`text`. `answer_start` is a hint for training. Where it is wrong or missing, an answer has its place
where its text, trimmed of white space, occurs exactly once in the context; else it is `unplaced`.

A table of your own has columns for question, context and answer:

    question,context,answer
    Where does the Rhine begin?,The Rhine begins in the Alps.,the Alps

An answer is looked for in its context, word for word; where it stands several times, the first
counts. A cell may hold a list of answers (jsonl, parquet). Without one, the question is one that
the context does not answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, final

from headwater.data.csv_form import CsvForm
from headwater.data.example import AnswerSpan, Examples, ReadReport, SpanExample
from headwater.data.json_fields import json_field, json_objects, json_text, json_value
from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.errors import UserError
from headwater.files import LARGE, read_json


def read_squad(paths: Sequence[Path], *, answered: bool = True) -> Examples[SpanExample]:
    """Read SQuAD files in the order given; `.gz` files are decompressed.

    Args:
        paths: the files; together they are one set.
        answered: False reads questions to predict: answers may be absent and are ignored, and an id
            may occur once.
    """
    reader = _Reader(answered)
    for path in paths:
        reader.read_file(path)
    if not reader.examples:
        named = ", ".join(str(path) for path in paths) or "no file given"
        raise UserError(f"{named}: no question")
    repaired, untrained, refused = map(tuple, (reader.repaired, reader.untrained, reader.refused))
    report = ReadReport(repaired=repaired, untrained=untrained, refused=refused)
    return Examples(reader.examples, report)


@dataclass(slots=True)
class _Reader:
    """What was read so far, over all files."""

    answered: bool
    examples: list[SpanExample] = field(default_factory=list)
    seen_at: dict[str, str] = field(default_factory=dict)  # by id
    repaired: list[str] = field(default_factory=list)
    untrained: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def read_file(self, path: Path) -> None:
        if path.suffix == ".parquet":
            for row in read_rows(path):
                context = json_field(row.cells, "context", str, row.where)
                self._read_question(row.cells, context, _title(row.cells, row.where), row.where)
            return
        root = json_value(read_json(path, LARGE), dict, str(path), "SQuAD JSON")
        for article, at in json_objects(root, "data", str(path), ": "):
            title = _title(article, at)
            for paragraph, where in json_objects(article, "paragraphs", at):
                context = json_field(paragraph, "context", str, where)
                for question, at_question in json_objects(paragraph, "qas", where):
                    self._read_question(question, context, title, at_question)

    def _read_question(
        self, record: Mapping[str, Any], context: str, title: str, where: str
    ) -> None:
        key = json_text(record, "id", where)
        where = f"{where} (id {key!r})"
        self._check_id(key, where)
        question = json_field(record, "question", str, where)
        for name, text in (("question", question), ("context", context)):
            if not text.strip():
                self.untrained.append(f"{where}: the {name} is empty")
        if not self.answered:
            self.examples.append(SpanExample(key, question, context, (), False, title))
            return
        answers = _answers(record, where)
        self._check_impossible(record, bool(answers), where)
        spans = [(text, self._place(text, start, context, at)) for text, start, at in answers]
        placed = tuple([span for _, span in spans if span is not None])
        unplaced = tuple([text for text, span in spans if span is None])
        self.examples.append(
            SpanExample(key, question, context, placed, not answers, title, unplaced)
        )

    def _check_id(self, key: str, where: str) -> None:
        if key in self.seen_at:
            again = f"{where}: this id occurred before, at {self.seen_at[key]}; ids must differ"
            if not self.answered:
                raise UserError(again)
            self.refused.append(again)
        self.seen_at.setdefault(key, where)

    def _check_impossible(self, record: Mapping[str, Any], answers: bool, where: str) -> None:
        if "is_impossible" not in record:
            return
        impossible = json_field(record, "is_impossible", bool, where)
        if impossible and answers:
            self.refused.append(
                f"{where}: 'is_impossible' is true, but there are answers; empty 'answers'"
            )
        if not impossible and not answers:
            self.refused.append(
                f"{where}: 'answers' is empty; give an answer or set 'is_impossible' to true"
            )

    def _place(self, text: str, start: int | None, context: str, where: str) -> AnswerSpan | None:
        trimmed = text.strip()
        if not trimmed:
            self.untrained.append(f"{where}: the answer is empty")
            return None
        if start is not None and start >= 0 and context[start : start + len(text)] == text:
            return AnswerSpan(text, start)
        first = context.find(trimmed)
        if first < 0:
            self.untrained.append(f"{where}: the answer {text!r:.40} is not in the context")
            return None
        if context.find(trimmed, first + 1) >= 0:
            given = "has no answer_start" if start is None else f"is not at character {start}"
            self.untrained.append(
                f"{where}: the answer {text!r:.40} {given} and stands in the context more than once"
            )
            return None
        self.repaired.append(f"{where}: answer_start {start} -> {first}")
        return AnswerSpan(trimmed, first)


def _title(record: Mapping[str, Any], where: str) -> str:
    """Return the title of an article, "" where it has none."""
    return "" if record.get("title") is None else json_text(record, "title", where)


def _answers(record: Mapping[str, Any], where: str) -> list[tuple[str, int | None, str]]:
    """Return the answers of a question: their texts, where they are said to begin, and a place."""
    columns = record.get("answers")
    if isinstance(columns, dict) and "text" in columns:  # of the hub: two lists
        texts = json_field(columns, "text", list, where)
        starts = columns.get("answer_start")
        starts = starts[: len(texts)] if isinstance(starts, list) else []
        pairs = zip_longest(texts, starts)
        record = {"answers": [{"text": text, "answer_start": start} for text, start in pairs]}
    return [
        (json_text(answer, "text", at), _start(answer.get("answer_start")), at)
        for answer, at in json_objects(record, "answers", where)
    ]


def _start(value: Any) -> int | None:
    """Return a whole number, also where a table made it one with a fraction; else None."""
    if type(value) is float and value.is_integer():
        return int(value)
    return value if type(value) is int else None


@final
@dataclass(frozen=True, slots=True)
class SpanColumns:
    """Reads tables by the names of three columns; `null_answers`: an answer may be empty."""

    question: str
    context: str
    answer: str
    null_answers: bool
    csv: CsvForm | None = None

    def __call__(self, paths: Sequence[Path], *, answered: bool = True) -> Examples[SpanExample]:
        """Read files in order; an id is the number of the row, from "0" over all files."""
        names = (self.question, self.context, *((self.answer,) if answered else ()))
        wanted = [(name,) for name in names]
        rows = [row for path in paths for row in read_rows(path, form=self.csv, wanted=wanted)]
        if not rows:
            raise UserError(f"{', '.join(map(str, paths)) or 'no file given'}: no question")
        examples = [self._example(str(n), row, answered) for n, row in enumerate(rows)]
        untrained = tuple(
            f"{row.where}: the answer {text!r:.40} is not in {self.context!r}, word for word"
            for row, example in zip(rows, examples, strict=True)
            for text in example.unplaced
        )
        return Examples(examples, ReadReport(untrained=untrained))

    def _example(self, key: str, row: Row, answered: bool) -> SpanExample:
        if "paragraphs" in row.cells:
            raise UserError(
                f"{row.where}: this is a SQuAD file, which task squad or squad_v2 reads"
            )
        question, context = (_text(row, name) for name in (self.question, self.context))
        if not answered:
            return SpanExample(key, question, context, ())
        answers = [text.strip() for text in row.texts(self.answer, optional=True)]
        answers = [text for text in answers if text]
        spans = tuple(AnswerSpan(text, context.find(text)) for text in answers if text in context)
        unplaced = tuple(text for text in answers if text not in context)
        if not answers and not self.null_answers:
            raise UserError(
                f"{row.where}: {self.answer!r} is empty; a question without an answer needs "
                "null_answers = true in the task"
            )
        return SpanExample(key, question, context, spans, not answers, unplaced=unplaced)


def _text(row: Row, column: str) -> str:
    text = " ".join(row.texts(column))
    if not text.strip():
        raise UserError(f"{row.where}: {column!r} is empty; a text was expected")
    return text
