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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, final

import numpy as np

from headwater.data.example import PairExample, TextExample
from headwater.data.official_files import with_folders
from headwater.data.predictions import PredictionFile
from headwater.data.source import DataSource, Examples, ReadReport
from headwater.data.table_file import Headless, Row, read_rows
from headwater.data.task import TaskFiles, refuse_probabilities
from headwater.errors import MissingField, UserError
from headwater.tasks.pair_scores import METRICS, correlations

T = TypeVar("T", str, float)


@dataclass(frozen=True, slots=True)
class Field:
    """A part of the template by its name there, and the names of its column, as files differ."""

    name: str
    columns: tuple[str, ...]


def field(name: str, *columns: str) -> Field:
    """Return a field; without columns its column is called as it is."""
    return Field(name, columns or (name,))


def _alone(row: Row) -> Iterator[Row]:
    yield row


def say(task: "PairTask", example: PairExample) -> TextExample:
    """Say an example by its task's template."""
    parts = " ".join(f"{name}: {text}" for name, text in example.parts)
    inputs = f"{task.template} {parts}"
    if example.score is not None:
        return TextExample(example.id, inputs, (rounded(example.score),))
    targets = () if example.label is None else (example.label,)
    return TextExample(example.id, inputs, targets)


_MOST = 1e30  # a score that float32 holds, and its square


def _strip(task: "PairTask", example: PairExample, text: str) -> str:
    return text.strip()


@final
@dataclass(frozen=True, slots=True)
class PairTask:
    """A task whose examples are rows of a table (see `Task`).

    Args:
        classes: the labels' words in the official order of numbers; none for a regression.
        template: the first word of the text form, mostly the task's name.
        fields: the parts of the text form, in its order.
        reads: what an encoder reads, the first text and maybe the second: names of fields, which
            are joined by a space.
        label_columns: the names of the column with the label or the score.
        bounds: the lowest and the highest score that there is.
        headless: what the columns are in files without a header.
        short_rows: leave out (and report) rows that are cut short instead of refusing them.
        unfold: turns a row of a nested file into rows of one example each.
        say: writes an example as text.
        understand: turns what was written on an example into a prediction.
    """

    name: str
    summary: str
    kind: Literal["sequence", "regression", "text"]
    classes: tuple[str, ...]
    template: str
    fields: tuple[Field, ...]
    reads: tuple[tuple[str, ...], ...]
    metric_names: tuple[str, ...]
    main_metric: str
    files: TaskFiles
    prediction_file: PredictionFile
    label_columns: tuple[str, ...] = ("label",)
    bounds: tuple[float, float] | None = None
    headless: Headless | None = None
    short_rows: bool = False
    unfold: Callable[[Row], Iterator[Row]] = _alone
    say: Callable[["PairTask", PairExample], TextExample] = say
    understand: Callable[["PairTask", PairExample, str], str] = _strip
    null_answers: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of a head; none where the task is one of writing."""
        return self.classes if self.kind == "sequence" else ()

    def read(self, paths: Sequence[Path], *, answered: bool = True) -> Examples[PairExample]:
        """Read files in order; a folder stands for its official validation file.

        An example's id is its `idx` (JSON, Parquet) or the number of its row from 0; those of a
        second file begin with `2:`.

        Raises:
            UserError: a file is broken, lacks a column, repeats an `idx`, has a label that is none
                of the task's or, when answered, hides it; or there is no example.
        """
        files = with_folders(self.name, self.files, paths)
        short: list[str] = []
        examples: dict[str, PairExample] = {}
        for number, path in enumerate(files, 1):
            prefix = f"{number}:" if number > 1 else ""
            for place, row in enumerate(self._rows(path, short)):
                example = self._example(row, f"{prefix}{_id(row, place)}", answered)
                if example.id in examples:
                    raise UserError(f"{row.where}: idx {example.id} stands here again")
                examples[example.id] = example
        if not examples:
            named = ", ".join(map(str, paths)) or "no file given"
            raise UserError(f"{named}: no example of task {self.name}")
        report = ReadReport(left_out=tuple(short), dropped=len(short))
        return Examples(list(examples.values()), report)

    def to_text(self, example: PairExample) -> TextExample:
        """Write `TEMPLATE field: text field: text`; the target is the label's word or the score.

        A score is rounded to the nearest 0.2 (halves to even, in single precision, as published).
        """
        return self.say(self, example)

    def from_text(self, example: PairExample, text: str) -> str:
        """Take the text without the white space around it; a label's word must be exact."""
        return self.understand(self, example, text)

    def score(
        self,
        examples: DataSource[PairExample],
        predictions: Mapping[str, str],
        no_answer_probabilities: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        """Score with the official metrics; a missing prediction counts as wrong.

        Raises:
            UserError: an example's label is not known, or there are no-answer probabilities.
        """
        refuse_probabilities(self.name, no_answer_probabilities)
        given = [predictions.get(example.id, "") for example in examples]
        if self.kind == "regression":
            scores = [_known(self, each, each.score) for each in examples]
            return correlations(scores, given)
        golds = [_known(self, each, each.label) for each in examples]
        ids = [example.id for example in examples]
        found = (METRICS[name](golds, given, self.classes, ids) for name in self.metric_names)
        return dict(zip(self.metric_names, found, strict=True))

    def _rows(self, path: Path, short: list[str]) -> Iterator[Row]:
        rows = read_rows(path, headless=self.headless, short=short if self.short_rows else None)
        for row in rows:
            yield from self.unfold(row)

    def _example(self, row: Row, key: str, answered: bool) -> PairExample:
        parts = tuple((each.name, text_of(row, each.columns)) for each in self.fields)
        texts = dict(parts)
        first, *second = (" ".join(texts[name] for name in names) for names in self.reads)
        label, score = None, None
        if answered and self.kind == "regression":
            score = score_of(row, self.label_columns, self.bounds)
        elif answered:
            label = label_of(row, self.label_columns, self.classes)
        return PairExample(key, first, second[0] if second else None, label, score, parts)


def rounded(score: float) -> str:
    """Round a score to the nearest 0.2, halves to even, in single precision as published.

    >>> rounded(2.55), rounded(2.5), rounded(2.7)
    ('2.6', '2.4', '2.8')
    """
    fifths = np.round(np.float32(score) * np.float32(5))
    return f"{fifths / np.float32(5):.1f}"


def text_of(row: Row, columns: Sequence[str]) -> str:
    """Return the text in the first of the columns that the row has.

    Raises:
        UserError: it has none of them, or it holds no text.
    """
    for name in columns:
        if name in row.cells:
            text = row.cells[name]
            if not isinstance(text, str):
                raise UserError(f"{row.where}: {name!r} must be a text, not {text!r:.40}")
            return text
    return _no_column(row, columns)


def label_of(row: Row, columns: Sequence[str], classes: Sequence[str]) -> str:
    """Return the class that a row's label names, as a word or a number, or as true and false.

    Raises:
        UserError: there is no such column, the label is hidden (-1) or is none of the classes.
    """
    value = _label_cell(row, columns)
    numbers = {str(number): name for number, name in enumerate(classes)}
    word = str(value)
    if word in classes:
        return word
    if isinstance(value, str | int) and word in numbers:
        return numbers[word]
    expected = f"{', '.join(classes)} (or their numbers, 0 to {len(classes) - 1})"
    raise UserError(f"{row.where}: unknown label {value!r:.40}; expected {expected}")


def score_of(row: Row, columns: Sequence[str], bounds: tuple[float, float] | None = None) -> float:
    """Return a row's score.

    Raises:
        UserError: there is no such column, the score is hidden (-1), no finite number or out of
            bounds.
    """
    value = _label_cell(row, columns)
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


def _label_cell(row: Row, columns: Sequence[str]) -> Any:
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


def _no_column(row: Row, columns: Sequence[str]) -> str:
    there = ", ".join(repr(str(name)) for name in row.cells)
    raise UserError(f"{row.columns_where}: no column {' or '.join(columns)}; there are {there}")


def _id(row: Row, place: int) -> str:
    key = row.cells.get("idx")
    return str(key) if isinstance(key, int) or (key and isinstance(key, str)) else str(place)


def _known(task: PairTask, example: PairExample, value: T | None) -> T:
    if value is None:
        raise UserError(f"example {example.id!r} of task {task.name} has no known label")
    return value
