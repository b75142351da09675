"""Questions on a text from a table of your own: columns for question, context and answer.

    question,context,answer
    Where does the Rhine begin?,The Rhine begins in the Alps.,the Alps

An answer is looked for in its context, word for word; where it stands several times, the first
place counts. A cell may hold a list of answers (jsonl, parquet). Without one, the question is one
that the context does not answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from headwater.data.example import AnswerSpan, Examples, SpanExample
from headwater.data.table_file import Row, read_rows
from headwater.errors import UserError


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
