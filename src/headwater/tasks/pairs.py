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

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from headwater.data.example import DataSource, Examples, PairExample, ReadReport, TextExample
from headwater.data.table_file import Headless, Row, read_rows
from headwater.data.task import Kind, Task
from headwater.errors import MissingField, UserError
from headwater.metrics.names import MetricKind

_MOST = 1e30  # a score that float32 holds, and its square


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


def _stripped(task: "PairTask", example: PairExample, text: str) -> str:
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
    headless: Headless | None = None
    skip_short_rows: bool = False
    unfold: Callable[[Row], Iterator[Row]] = _unchanged
    as_text: Callable[["PairTask", PairExample], TextExample] = template_text
    as_prediction: Callable[["PairTask", PairExample, str], str] = _stripped

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
            table = read_rows(path, headless=self.headless, short=skipped)
            rows = (row for nested in table for row in self.unfold(nested))
            for index, row in enumerate(rows):
                example = self._example(row, f"{prefix}{_id(row, index)}", answered)
                if example.id in examples:
                    raise UserError(f"{row.where}: idx {example.id} stands here again")
                examples[example.id] = example
        if not examples:
            named = ", ".join(map(str, paths)) or "no file given"
            raise UserError(f"{named}: no example of task {self.name}")
        report = ReadReport(left_out=tuple(short))
        return Examples(list(examples.values()), report)

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

    def _example(self, row: Row, key: str, answered: bool) -> PairExample:
        parts = tuple((each.name, row.text(*each.columns)) for each in self.fields)
        texts = dict(parts)
        first, *second = (" ".join(texts[name] for name in names) for names in self.encoder_texts)
        label, score = None, None
        if answered and self.kind == "regression":
            score = score_of(row, self.label_columns, self.bounds)
        elif answered:
            label = label_of(row, self.label_columns, self.labels)
        return PairExample(key, first, second[0] if second else None, label, score, parts)


def rounded(score: float) -> str:
    """Round a score to the nearest 0.2, halves to even, in single precision as published.

    >>> rounded(2.55), rounded(2.5), rounded(2.7)
    ('2.6', '2.4', '2.8')
    """
    fifths = np.round(np.float32(score) * np.float32(5))
    return f"{fifths / np.float32(5):.1f}"


def label_of(row: Row, columns: Sequence[str], labels: Sequence[str]) -> str:
    """Return the label that a row names, as a word or a number, or as true and false."""
    value = _label_value(row, columns)
    numbers = {str(number): name for number, name in enumerate(labels)}
    word = str(value)
    if word in labels:
        return word
    if isinstance(value, str | int) and word in numbers:
        return numbers[word]
    expected = f"{', '.join(labels)} (or their numbers, 0 to {len(labels) - 1})"
    raise UserError(f"{row.where}: unknown label {value!r:.40}; expected {expected}")


def score_of(row: Row, columns: Sequence[str], bounds: tuple[float, float] | None = None) -> float:
    """Return a row's score."""
    value = _label_value(row, columns)
    try:  # Python also reads 1_000, and the digits of other scripts
        plain = not isinstance(value, str) or (value.isascii() and "_" not in value)
        number = float(value) if plain else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not abs(number) < _MOST:
        raise UserError(f"{row.where}: the score must be a number, not {value!r:.40}")
    if bounds is not None and not bounds[0] <= number <= bounds[1]:
        least, most = bounds
        raise UserError(
            f"{row.where}: the score must be from {least:g} to {most:g}, not {number:g}"
        )
    return number


def _label_value(row: Row, columns: Sequence[str]) -> Any:
    present = [name for name in columns if name in row.cells]
    if not present:
        raise MissingField(
            f"{row.columns_where}: no column {' or '.join(columns)}; a test file hides the labels, "
            "which `headwater predict` does not need"
        )
    value = row.cells[present[0]]
    if value is None or value in (-1, "-1"):
        raise MissingField(
            f"{row.where}: the label is hidden; `headwater predict` does not need it"
        )
    return value


def _id(row: Row, index: int) -> str:
    key = row.cells.get("idx")
    return str(key) if isinstance(key, int) or (key and isinstance(key, str)) else str(index)
