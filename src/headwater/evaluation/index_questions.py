"""Questions on documents with what is right: to measure an index by, or to calibrate it on.

A table (.jsonl, .json, .csv, .tsv, .parquet) has a question a row:

    {"question": "Who built the mill?", "answers": ["Ada"], "file": "mills/history.pdf"}
    {"question": "Who paid for it?", "answers": []}

Without answers, the documents do not say. `file` is the end of the path of the file that is right,
where only one is. A SQuAD file is read too: the passages of a question's own paragraph are right.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from headwater.data.row import Row
from headwater.data.span_files import read_squad
from headwater.data.table_file import read_rows
from headwater.documents.hit import Hit
from headwater.errors import MissingField, UserError


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question with its right answers; without any, the documents do not say.

    file: the end of the path of the file that is right, "" where any is.
    context: the paragraph that is right, "" where it is not known.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    file: str = ""
    context: str = ""

    def answered_by(self, hit: Hit) -> bool:
        """Tell whether a passage holds an answer, in the right file and paragraph."""
        if self.file and not f"/{hit.file}".endswith(f"/{self.file}"):
            return False
        text, context = _joined(hit.text), _joined(self.context)
        if context and text not in context and context not in text:
            return False
        return any(_stands_in(_joined(answer), text) for answer in self.answers)


def read_questions(paths: Sequence[Path]) -> list[LabelledQuestion]:
    """Read files of questions; together they are one set."""
    found = list(chain.from_iterable(map(_read, paths)))
    if not found:
        raise UserError(f"{', '.join(map(str, paths)) or 'no file given'}: no question")
    return found


def _read(path: Path) -> Iterator[LabelledQuestion]:
    for row in read_rows(path):
        if "paragraphs" in row.cells:
            for each in read_squad([path]):
                yield LabelledQuestion(each.id, each.question, each.golds, context=each.context)
            return
        yield _labelled(row)


def _labelled(row: Row) -> LabelledQuestion:
    question = row.text("question")
    if not question.strip():
        raise UserError(f"{row.where}: the question is empty")
    column = "answers" if "answers" in row.cells or "answer" not in row.cells else "answer"
    answers = tuple(text for text in row.texts(column, optional=True) if text.strip())
    return LabelledQuestion(_text(row, "id") or row.where, question, answers, _text(row, "file"))


def _text(row: Row, column: str) -> str:
    """Return a cell, "" where there is none."""
    try:
        return "" if row.value(column) is None else row.text(column)
    except MissingField:
        return ""


def _joined(text: str) -> str:
    return " ".join(text.split()).casefold()


def _stands_in(answer: str, text: str) -> bool:
    """Tell whether a text has an answer that no letter or digit goes on with."""
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text) is not None
