"""ReCoRD (Zhang et al. 2018), as SuperGLUE has it: fill a gap in a sentence with a passage's name.

    record query: A @placeholder is a bird. entities: penguin, pigeon, potato passage: This is ...
    penguin

A query with several right answers is an example for each when it is read with answers, as T5's
published preprocessor has it: the second of query 7 has the id `7/2`. Only the first counts in the
score, which is SQuAD's: the best exact match and F1 over the right answers.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from headwater.data.example import DataSource, Examples, TextExample
from headwater.data.json_fields import json_field
from headwater.data.official_files import TaskFiles
from headwater.data.predictions import JsonLabels, PredictionFile
from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.data.task import Kind, Task
from headwater.errors import MissingField, UserError
from headwater.metrics.names import MetricKind
from headwater.tasks.superglue import FILES, HUB

_AFTER_A_STOP = re.compile(r"([.?!\"'])\n@highlight\n")


@dataclass(frozen=True, slots=True)
class _Query:
    key: str
    text: str
    entities: tuple[str, ...]
    answers: tuple[str, ...]
    passage: str

    @property
    def inputs(self) -> str:
        """The text form, with each highlight of the passage ended as a sentence."""
        passage = _AFTER_A_STOP.sub(r"\1 ", self.passage).replace("\n@highlight\n", ". ")
        named = ", ".join(self.entities)
        return f"record query: {self.text} entities: {named} passage: {passage}"


@final
class _FirstAnswers:
    """The official file: a JSON object a line with a query's `idx` and the answer as `label`."""

    name = "ReCoRD.jsonl"
    _lines = JsonLabels(name)

    def dump(self, examples: DataSource[Any], predictions: Mapping[str, str]) -> str:
        return self._lines.dump(_queries_once(examples), predictions)

    def read(self, path: Path, examples: DataSource[Any]) -> dict[str, str]:
        """Read the lines; a query's prediction counts for each of its examples."""
        given = self._lines.read(path, _queries_once(examples))
        names = {each.id: _query_id(each) for each in examples}
        return {name: given[query] for name, query in names.items() if query in given}


FIRST_ANSWERS: PredictionFile = _FirstAnswers()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTask(Task[TextExample]):
    """ReCoRD (see `Task`)."""

    kind: Kind = "text"
    metric_kind: MetricKind = "span"
    metric_names: tuple[str, ...] = ("f1", "exact_match")
    prediction_file: PredictionFile = FIRST_ANSWERS

    def read_files(self, paths: Sequence[Path], *, answered: bool) -> Examples[TextExample]:
        """Read JSON lines; the ids of a second file begin with `2:`."""
        examples: dict[str, TextExample] = {}
        for number, path in enumerate(paths, 1):
            prefix = f"{number}:" if number > 1 else ""
            for row in read_rows(path):
                for example in self._examples(row, prefix, answered):
                    if example.id in examples:
                        key = _query_id(example).removeprefix(prefix)
                        raise UserError(f"{row.where}: idx {key} stands here again")
                    examples[example.id] = example
        if not examples:
            raise UserError(f"{', '.join(map(str, paths))}: no example of task {self.name}")
        return Examples(list(examples.values()))

    def to_text(self, example: TextExample) -> TextExample:
        """Return the example: it is text to text already."""
        return example

    def golds(self, examples: DataSource[TextExample]) -> dict[str, Sequence[str]]:
        """Return the answers of each query once."""
        return {each.id: each.targets for each in examples if _is_first(each)}

    def _examples(self, row: Row, prefix: str, answered: bool) -> Iterator[TextExample]:
        for query in _queries(row):
            if answered and not query.answers:
                raise MissingField(
                    f"{row.where}: query {query.key} has no answers; a test file hides "
                    "them, which `headwater predict` does not need"
                )
            yield from _examples(query, prefix, answered)


RECORD = RecordTask(
    name="record",
    summary="ReCoRD: which name of a passage fills the gap in a sentence?",
    files=TaskFiles("ReCoRD", FILES, (HUB, "record")),
)


def _is_first(example: TextExample) -> bool:
    return "/" not in example.id


def _queries_once(examples: DataSource[TextExample]) -> Examples[TextExample]:
    return Examples([each for each in examples if _is_first(each)])


def _query_id(example: TextExample) -> str:
    return example.id.partition("/")[0]


def _examples(query: _Query, prefix: str, answered: bool) -> Iterator[TextExample]:
    """Yield an example for each answer, with that one first among the targets."""
    key = f"{prefix}{query.key}"
    if not answered:
        yield TextExample(key, query.inputs, ())
        return
    for number, answer in enumerate(query.answers, 1):
        others = (other for other in query.answers if other != answer)
        name = key if number == 1 else f"{key}/{number}"
        yield TextExample(name, query.inputs, (answer, *others))


def _queries(row: Row) -> Iterator[_Query]:
    """Yield the queries of a passage; a row of the hub's files is one query."""
    cells, where = row.cells, row.where
    if isinstance(cells.get("passage"), str):
        yield _Query(
            str(json_field(json_field(cells, "idx", dict, where), "query", int, where)),
            json_field(cells, "query", str, where),
            tuple(json_field(cells, "entities", list, where)),
            tuple(json_field(cells, "answers", list, where) if cells.get("answers") else ()),
            json_field(cells, "passage", str, where),
        )
        return
    passage = json_field(cells, "passage", dict, where)
    text = json_field(passage, "text", str, where)
    spans = [
        (json_field(each, "start", int, where), json_field(each, "end", int, where) + 1)
        for each in json_field(passage, "entities", list, where)
    ]
    entities = tuple(sorted({text[start:end] for start, end in spans}))
    for query in json_field(cells, "qas", list, where):
        key = str(json_field(query, "idx", int, where))
        given = json_field(query, "answers", list, where) if "answers" in query else []
        answers = tuple(sorted({json_field(each, "text", str, where) for each in given}))
        yield _Query(key, json_field(query, "query", str, where), entities, answers, text)
