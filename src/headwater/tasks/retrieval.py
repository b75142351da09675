"""Finding the passage that answers a question, among all passages of the files.

    Who wrote it?  ->  passage 7: "Ada wrote it in 1843."

An encoder gives a vector to each, and the passages are ranked by their cosines with the question
(Karpukhin et al. 2020, "Dense Passage Retrieval for Open-Domain Question Answering"). Files are
those of SQuAD (.json), of which each paragraph is a passage, or tables:

    {"question": "Who wrote it?", "passage": "Ada wrote it ...", "negatives": ["Bob read it ..."]}

A prediction is numbers of passages, the best first: 0 is the first one in the files, and equal
passages are one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from headwater.data.example import (
    DataSource,
    Examples,
    ReadReport,
    RetrievalExample,
    TextExample,
)
from headwater.data.official_files import TaskFiles
from headwater.data.repeated_ids import numbered
from headwater.data.row import Row
from headwater.data.span_files import read_squad
from headwater.data.table_file import read_rows
from headwater.data.task import Kind, Task
from headwater.errors import UserError
from headwater.metrics.names import METRICS, MetricKind
from headwater.text_files import suffix_of

_PASSAGE = ("passage", "context")
_NEGATIVES = ("negatives", "negative")


def passage_numbers(examples: Iterable[RetrievalExample]) -> dict[str, int]:
    """Return the passages of examples and of their negatives, each with its number."""
    texts = (text for each in examples for text in (each.passage, *each.negatives) if text)
    return {text: number for number, text in enumerate(dict.fromkeys(texts))}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalTask(Task[RetrievalExample]):
    """Questions and passages (see `Task`)."""

    kind: Kind = "embedding"
    metric_kind: MetricKind = "retrieval"

    def read_files(self, paths: Sequence[Path], *, answered: bool) -> Examples[RetrievalExample]:
        """Read SQuAD files and tables in order.

        Questions that their paragraph does not answer are left out. An id is that of the question,
        or the number of the row; of two that are equal the second gets `[2]`.
        """
        found: list[RetrievalExample] = []
        left_out: list[str] = []
        for path in paths:
            squad = suffix_of(path) == ".json"
            read = _squad(path, left_out, answered) if squad else _table(path)
            found += read
        if not found:
            named = ", ".join(map(str, paths)) or "no file given"
            raise UserError(f"{named}: no question with a passage")
        return Examples(numbered(found), ReadReport(left_out=tuple(left_out)))

    def to_text(self, example: RetrievalExample) -> TextExample:
        """Return the question and its passage."""
        return TextExample(example.id, f"question: {example.question}", (example.passage,))

    def golds(self, examples: DataSource[RetrievalExample]) -> dict[str, Sequence[str]]:
        """Return the right passages of each question, also those it has in other examples."""
        numbers = passage_numbers(examples)
        right: dict[str, dict[str, None]] = {}
        for each in examples:
            right.setdefault(each.question, {})[str(numbers[each.passage])] = None
        return {each.id: tuple(right[each.question]) for each in examples}


RETRIEVAL = RetrievalTask(
    name="retrieval",
    summary="find the passage that answers a question: vectors of both, by an encoder",
    metric_names=tuple(METRICS["retrieval"]),
    files=TaskFiles(
        "squad",
        {"train": ("train-v1.1.json",), "validation": ("dev-v1.1.json",)},
        ("rajpurkar/squad", "plain_text"),
    ),
)


def _squad(path: Path, left_out: list[str], answered: bool) -> Iterator[RetrievalExample]:
    examples = read_squad([path], answered=answered)
    if examples.report.refused:
        raise UserError(examples.report.refused[0])
    for each in examples:
        if each.impossible:
            left_out.append(f"{path}: question {each.id!r} has no answer")
        elif each.question.strip() and each.context.strip():
            yield RetrievalExample(each.id, each.question, each.context)
        else:
            left_out.append(f"{path}: question {each.id!r} or its context is empty")


def _table(path: Path) -> Iterator[RetrievalExample]:
    wanted = [("question",), _PASSAGE]
    for number, row in enumerate(read_rows(path, wanted=wanted)):
        question, passage = _filled(row, "question"), _filled(row, *_PASSAGE)
        yield RetrievalExample(_id(row.cells, number), question, passage, _negatives(row, passage))


def _filled(row: Row, *columns: str) -> str:
    text = row.text(*columns)
    if not text.strip():
        raise UserError(f"{row.where}: {columns[0]!r} is empty; a text was expected")
    return text


def _negatives(row: Row, passage: str) -> tuple[str, ...]:
    """Return the hard negatives of a row, each once; the passage itself is none."""
    column = next((name for name in _NEGATIVES if name in row.cells), None)
    given = () if column is None else row.texts(column, optional=True)
    return tuple(dict.fromkeys(text for text in given if text.strip() and text != passage))


def _id(cells: Mapping[str, Any], number: int) -> str:
    key = cells.get("id")
    return str(key) if isinstance(key, int) or (key and isinstance(key, str)) else str(number)
