"""Tasks on a text or a pair of texts: a class or a number for each.

One declaration serves both kinds of model. An encoder with a head reads the pair, such as
`[CLS] premise [SEP] hypothesis [SEP]` (Devlin et al. 2019, section 4.1), and chooses from the
labels by number. A text-to-text model reads the fields by name and writes the label's name
(Raffel et al. 2020, appendix D):

    mnli hypothesis: The St. Louis Cardinals have always won. premise: yeah well losing ...
    contradiction

The names, their order and the labels' words are those of T5's published preprocessors, and the
texts stay as they are in the file, space for space.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from headwater.data.csv_form import CsvForm
from headwater.data.example import DataSource, Examples, PairExample, ReadReport, TextExample
from headwater.data.row import Row
from headwater.data.table_file import Headless, read_rows
from headwater.data.task import Kind, Task
from headwater.errors import UserError
from headwater.metrics.names import MetricKind
from headwater.tasks.labels import LabelColumn
from headwater.tasks.scores import ScoreColumn
from headwater.tasks.several_labels import SeveralLabels


@dataclass(frozen=True, slots=True)
class Field:
    """A part of the template by its name there, and the names of its column, as files differ."""

    name: str
    columns: tuple[str, ...]


def field(name: str, *columns: str) -> Field:
    """Return a field; without columns its column is called as it is."""
    return Field(name, columns or (name,))


def _unchanged(row: Row) -> Iterator[Row]:
    yield row


def template_text(task: "PairTask", example: PairExample) -> TextExample:
    """Write an example by its task's template."""
    parts = " ".join(f"{name}: {text}" for name, text in example.parts)
    inputs = f"{task.template} {parts}"
    if example.score is not None:
        return TextExample(example.id, inputs, (rounded(example.score),))
    targets = () if example.label is None else (example.label,)
    return TextExample(example.id, inputs, targets)


def stripped(task: "PairTask", example: PairExample, text: str) -> str:
    """Return what a model wrote without the white space around it."""
    return text.strip()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PairTask(Task[PairExample]):
    """A task whose examples are rows of a table (see `Task`).

    Args:
        template: the first word of the text form; left out: the task's name.
        fields: the parts of the text form, in its order.
        encoder_texts: what an encoder reads, the first text and maybe the second: names of fields,
            which are joined by a space. Left out: each field is a text.
        label_columns: the names of the column with the label or the score.
        bounds: the lowest and the highest score that there is.
        csv: how CSV and TSV files are written; None: as those of benchmarks are.
        headless: what the columns are in files without a header.
        skip_short_rows: leave out (and report) rows that are cut short instead of refusing them.
        unfold: turns a row of a nested file into rows of one example each.
        as_text: writes an example as a text-to-text model reads it.
        as_prediction: turns what such a model wrote on an example into a prediction.
    """

    kind: Kind = "sequence"
    metric_kind: MetricKind = "sequence"
    fields: tuple[Field, ...]
    template: str = ""
    encoder_texts: tuple[tuple[str, ...], ...] = ()
    label_columns: tuple[str, ...] = ("label",)
    bounds: tuple[float, float] | None = None
    csv: CsvForm | None = None
    headless: Headless | None = None
    skip_short_rows: bool = False
    unfold: Callable[[Row], Iterator[Row]] = _unchanged
    as_text: Callable[["PairTask", PairExample], TextExample] = template_text
    as_prediction: Callable[["PairTask", PairExample, str], str] = stripped

    def __post_init__(self) -> None:
        Task.__post_init__(self)
        if not self.template:
            object.__setattr__(self, "template", self.name)
        if not self.encoder_texts:
            texts = tuple((each.name,) for each in self.fields)
            object.__setattr__(self, "encoder_texts", texts)

    def read_files(self, paths: Sequence[Path], *, answered: bool) -> Examples[PairExample]:
        """Read tables.

        An example's id is its `idx` (JSON, Parquet) or the number of its row from 0; those of a
        second file begin with `2:`.
        """
        short: list[str] = []
        skipped = short if self.skip_short_rows else None
        examples: dict[str, PairExample] = {}
        for number, path in enumerate(paths, 1):
            prefix = f"{number}:" if number > 1 else ""
            column = self._column() if answered else None
            for index, row in enumerate(self._rows(path, answered, skipped)):
                example = self._example(row, f"{prefix}{_id(row, index)}", column)
                if example.id in examples:
                    raise UserError(f"{row.where}: idx {example.id} stands here again")
                examples[example.id] = example
        if not examples:
            named = ", ".join(map(str, paths)) or "no file given"
            raise UserError(f"{named}: no example of task {self.name}")
        report = ReadReport(left_out=tuple(short))
        return Examples(list(examples.values()), report)

    def rows(self, path: Path) -> Iterator[Row]:
        return self._rows(path, False, [] if self.skip_short_rows else None)

    def _rows(self, path: Path, answered: bool, short: list[str] | None) -> Iterator[Row]:
        wanted = [each.columns for each in self.fields]
        wanted += [self.label_columns] if answered else []
        table = read_rows(path, form=self.csv, wanted=wanted, headless=self.headless, short=short)
        return (row for nested in table for row in self.unfold(nested))

    def to_text(self, example: PairExample) -> TextExample:
        """Write `TEMPLATE field: text field: text`; the target is the label's word or the score.

        A score is rounded to the nearest 0.2 (halves to even, in single precision, as published).
        """
        return self.as_text(self, example)

    def from_text(self, example: PairExample, text: str) -> str:
        """Take the text without the white space around it; a label's word must be exact."""
        return self.as_prediction(self, example, text)

    def golds(self, examples: DataSource[PairExample]) -> dict[str, Sequence[str]]:
        found: dict[str, Sequence[str]] = {}
        for each in examples:
            value = each.label if self.kind != "regression" else each.score
            if value is None:
                raise UserError(f"example {each.id!r} of task {self.name} has no known label")
            found[each.id] = (str(value),)
        return found

    def _column(self) -> LabelColumn | SeveralLabels | ScoreColumn:
        """Return the reader of a file's labels or scores."""
        if self.kind == "multi_label":
            return SeveralLabels(self.label_columns, self.labels)
        if self.kind == "regression":
            decimal = self.csv.decimal if self.csv else None
            return ScoreColumn(self.label_columns, self.bounds, decimal)
        return LabelColumn(self.label_columns, self.labels)

    def _example(
        self, row: Row, key: str, column: LabelColumn | SeveralLabels | ScoreColumn | None
    ) -> PairExample:
        parts = tuple((each.name, row.text(*each.columns)) for each in self.fields)
        texts = dict(parts)
        first, *second = (" ".join(texts[name] for name in names) for names in self.encoder_texts)
        score = column.read(row) if isinstance(column, ScoreColumn) else None
        label = column.read(row) if isinstance(column, LabelColumn | SeveralLabels) else None
        return PairExample(key, first, second[0] if second else None, label, score, parts)


def rounded(score: float) -> str:
    """Round a score to the nearest 0.2, halves to even, in single precision as published.

    >>> rounded(2.55), rounded(2.5), rounded(2.7)
    ('2.6', '2.4', '2.8')
    """
    fifths = np.round(np.float32(score) * np.float32(5))
    return f"{fifths / np.float32(5):.1f}"


def _id(row: Row, index: int) -> str:
    key = row.cells.get("idx")
    return str(key) if isinstance(key, int) or (key and isinstance(key, str)) else str(index)
