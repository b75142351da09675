"""Reading questions on a text: SQuAD files, v1.1 and v2.0, and tables of your own.

SQuAD's format (Rajpurkar et al. 2016 and 2018): `data` -> articles -> `paragraphs` -> `context` and
`qas` -> `id`, `question`, `answers` -> `text` and `answer_start`; v2.0 adds `is_impossible`.

An answer whose offset is wrong is placed anew when its text, trimmed of white space, occurs exactly
once in the context. Otherwise the answer is left out, and the example too when it has no other;
both are reported with file and id. The hub's Parquet files hold a question a row, with `text` and
`answer_start` of all its answers as two lists.

A table of your own has columns for question, context and answer:

    question,context,answer
    Where does the Rhine begin?,The Rhine begins in the Alps.,the Alps

An answer is looked for in its context, word for word; where it stands several times, the first
counts. A cell may hold a list of answers (jsonl, parquet). Without one, the question is one that
the context does not answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from headwater.data.example import AnswerSpan, Examples, ReadReport, SpanExample
from headwater.data.table_file import Row, json_field, json_objects, json_value, read_rows
from headwater.errors import UserError
from headwater.files import LARGE, read_json


def read_squad(paths: Sequence[Path], *, answered: bool = True) -> Examples[SpanExample]:
    """Read SQuAD files in the order given; `.gz` files are decompressed.

    Args:
        paths: the files; together they are one set, in which an id may occur once.
        answered: False reads questions to predict: answers may be absent and are ignored.
    """
    reader = _Reader(answered)
    for path in paths:
        reader.read_file(path)
    report = ReadReport(tuple(reader.repaired), tuple(reader.left_out), reader.dropped)
    if not reader.examples:
        named = ", ".join(str(path) for path in paths) or "no file given"
        reason = f"; {report.left_out[0]}" if report.left_out else ""
        raise UserError(f"{named}: no usable question{reason}")
    return Examples(reader.examples, report)


@dataclass(slots=True)
class _Reader:
    """What was read so far, over all files."""

    answered: bool
    examples: list[SpanExample] = field(default_factory=list)
    seen_at: dict[str, str] = field(default_factory=dict)  # by id
    repaired: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    dropped: int = 0

    def read_file(self, path: Path) -> None:
        if path.suffix == ".parquet":
            self._read_rows(path)
            return
        root = json_value(read_json(path, LARGE), dict, str(path), "SQuAD JSON")
        for article, at in json_objects(root, "data", str(path), ": "):
            title = json_field(article, "title", str, at) if "title" in article else ""
            for paragraph, where in json_objects(article, "paragraphs", at):
                context = json_field(paragraph, "context", str, where)
                if not context.strip():
                    raise UserError(f"{where}: 'context' is empty; a text was expected")
                for question, at_question in json_objects(paragraph, "qas", where):
                    self._read_question(question, context, title, at_question)

    def _read_rows(self, path: Path) -> None:
        for row in read_rows(path):
            record, where = dict(row.cells), row.where
            context = json_field(record, "context", str, where)
            if not context.strip():
                raise UserError(f"{where}: 'context' is empty; a text was expected")
            title = json_field(record, "title", str, where) if "title" in record else ""
            if self.answered:
                answers = json_field(record, "answers", dict, where)
                names = ("text", "answer_start")
                columns = [json_field(answers, name, list, where) for name in names]
                pairs = zip(*columns, strict=False)
                record["answers"] = [dict(zip(names, pair, strict=True)) for pair in pairs]
            self._read_question(record, context, title, where)

    def _read_question(self, record: dict[str, Any], context: str, title: str, where: str) -> None:
        key = json_field(record, "id", str, where)
        where = f"{where} (id {key!r})"
        if key in self.seen_at:
            raise UserError(
                f"{where}: this id occurred before, at {self.seen_at[key]}; ids must differ"
            )
        self.seen_at[key] = where
        question = json_field(record, "question", str, where)
        answers, impossible = self._read_answers(record, context, where)
        if not question.strip():
            self.dropped += 1
            self.left_out.append(f"{where}: the question is empty")
        elif self.answered and not impossible and not answers:
            self.dropped += 1  # its answers were reported one by one
        else:
            example = SpanExample(key, question, context, answers, impossible, title)
            self.examples.append(example)

    def _read_answers(
        self, record: dict[str, Any], context: str, where: str
    ) -> tuple[tuple[AnswerSpan, ...], bool]:
        if not self.answered:
            return (), False
        listed = list(json_objects(record, "answers", where))
        impossible = not listed
        if "is_impossible" in record:
            impossible = json_field(record, "is_impossible", bool, where)
            if impossible and listed:
                raise UserError(
                    f"{where}: 'is_impossible' is true, but there are answers; empty 'answers'"
                )
            if not impossible and not listed:
                raise UserError(
                    f"{where}: 'answers' is empty; give an answer or set 'is_impossible' to true"
                )
        placed = (self._place(answer, context, at) for answer, at in listed)
        return tuple(span for span in placed if span is not None), impossible

    def _place(self, record: dict[str, Any], context: str, where: str) -> AnswerSpan | None:
        text = json_field(record, "text", str, where)
        start = json_field(record, "answer_start", int, where)
        if text.strip() and start >= 0 and context[start : start + len(text)] == text:
            return AnswerSpan(text, start)
        trimmed = text.strip()
        if not trimmed:
            self.left_out.append(f"{where}: the answer is empty")
            return None
        first = context.find(trimmed)
        if first < 0:
            self.left_out.append(f"{where}: the answer {_short(text)} is not in the context")
            return None
        if context.find(trimmed, first + 1) >= 0:
            self.left_out.append(
                f"{where}: the answer {_short(text)} is not at character {start} "
                "and stands in the context more than once"
            )
            return None
        self.repaired.append(f"{where}: answer_start {start} -> {first}")
        return AnswerSpan(trimmed, first)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


@final
@dataclass(frozen=True, slots=True)
class SpanColumns:
    """Reads tables by the names of three columns; `null_answers`: an answer may be empty."""

    question: str
    context: str
    answer: str
    null_answers: bool

    def __call__(self, paths: Sequence[Path], *, answered: bool = True) -> Examples[SpanExample]:
        """Read files in order; an id is the number of the row, from "0" over all files."""
        rows = [row for path in paths for row in read_rows(path)]
        if not rows:
            raise UserError(f"{', '.join(map(str, paths)) or 'no file given'}: no question")
        return Examples([self._example(str(n), row, answered) for n, row in enumerate(rows)])

    def _example(self, key: str, row: Row, answered: bool) -> SpanExample:
        question, context = (_text(row, name) for name in (self.question, self.context))
        if not answered:
            return SpanExample(key, question, context, ())
        answers = [text.strip() for text in row.texts(self.answer) if text.strip()]
        spans = tuple(AnswerSpan(text, context.find(text)) for text in answers)
        for span in spans:
            if span.start < 0:
                raise UserError(
                    f"{row.where}: the answer {span.text!r:.60} is not in {self.context!r}, word "
                    "for word"
                )
        if not spans and not self.null_answers:
            raise UserError(
                f"{row.where}: {self.answer!r} is empty; a question without an answer needs "
                "null_answers = true in the task"
            )
        return SpanExample(key, question, context, spans, impossible=not spans)


def _text(row: Row, column: str) -> str:
    text = " ".join(row.texts(column))
    if not text.strip():
        raise UserError(f"{row.where}: {column!r} is empty; a text was expected")
    return text
