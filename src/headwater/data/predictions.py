"""Prediction files in their official forms.

    JsonPredictions    {"id": "text"}, with "" for "no answer"         question answering
    LinePredictions    one prediction a line, in the examples' order   translation, summarization
    GlueTable          index<TAB>prediction, rows from 0               GLUE
    JsonLabels         {"idx": 0, "label": "true"} on each line        SuperGLUE

Some of GLUE's tasks spell the classes as numbers. (The formats are those that the benchmarks' own
starter code, jiant, writes.) What is no label is written as it is. No-answer probabilities are one
JSON object: `{"id": 0.25}`.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final

from headwater.data.example import DataSource, Example, Examples
from headwater.data.repeated_ids import spread
from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.errors import UserError, counted
from headwater.files import LARGE, read_json, read_lines


class PredictionFile(Protocol):
    """How predictions (id -> text) are written to a file and read from it."""

    @property
    def name(self) -> str:
        """What the file is called, as `predictions.json`."""
        ...

    def dump(self, examples: DataSource[Example], predictions: Mapping[str, str]) -> str:
        """Return the content of the file."""
        ...

    def read(self, path: Path, examples: Examples[Example]) -> dict[str, str]:
        """Read a file; examples without a prediction may be left out."""
        ...


@final
class JsonPredictions:
    """One object of example ids."""

    name = "predictions.json"

    def dump(self, examples: DataSource[Example], predictions: Mapping[str, str]) -> str:
        """Return the object, as the official script of SQuAD takes it."""
        return json.dumps(dict(predictions), ensure_ascii=False, indent=2) + "\n"

    def read(self, path: Path, examples: Examples[Example]) -> dict[str, str]:
        predictions: dict[str, str] = {}
        for key, value in _object(path, "a text").items():
            if not isinstance(value, str):
                raise UserError(
                    f"{path}: the prediction of {key!r} must be a text, not {value!r:.40}"
                )
            predictions[key] = value
        return spread(predictions, examples)


@final
class LinePredictions:
    """One line for each example, in their order. Line breaks inside a text become spaces."""

    name = "predictions.txt"

    def dump(self, examples: DataSource[Example], predictions: Mapping[str, str]) -> str:
        return "".join(" ".join(predictions[each.id].split()) + "\n" for each in examples)

    def read(self, path: Path, examples: Examples[Example]) -> dict[str, str]:
        """Read the lines: one for each example, or for each row of the files.

        Rows whose answer is not known are no examples to score, but were predicted.
        """
        lines = read_lines(path)
        rows = len(examples) + len(examples.report.left_out)
        if len(lines) == len(examples):
            return {each.id: line for each, line in zip(examples, lines, strict=True)}
        if len(lines) == rows:
            return {each.id: lines[int(each.id)] for each in examples}
        raise UserError(
            f"{path}: {counted(len(lines), 'line')} for {counted(rows, 'example')}; one for each "
            "was expected"
        )


JSON: PredictionFile = JsonPredictions()
LINES: PredictionFile = LinePredictions()


def read_probabilities(path: Path) -> dict[str, float]:
    """Read no-answer probabilities by question id."""
    probabilities: dict[str, float] = {}
    for key, value in _object(path, "a number").items():
        if type(value) not in (int, float) or not abs(value) <= sys.float_info.max:
            raise UserError(
                f"{path}: the no-answer probability of {key!r} must be a number, not {value!r:.40}"
            )
        probabilities[key] = float(value)
    return probabilities


def _object(path: Path, what: str) -> dict[str, Any]:
    content = read_json(path, LARGE)
    if not isinstance(content, dict):
        raise UserError(f"{path}: an object was expected, with {what} for every question id")
    return content


@final
@dataclass(frozen=True, slots=True)
class GlueTable:
    """Two columns, `index` and `prediction`; `numbers` are the classes that are spelled 0, 1."""

    name: str
    numbers: tuple[str, ...] = ()

    def dump(self, examples: DataSource[Example], predictions: Mapping[str, str]) -> str:
        """Return the table; an example without a prediction has no line."""
        rows = ((row, predictions.get(each.id)) for row, each in enumerate(examples))
        return self.content((row, text) for row, text in rows if text is not None)

    def content(self, rows: Iterable[tuple[int, str]]) -> str:
        """Return the table of numbered predictions."""
        lines = (f"{row}\t{self.spell(text)}" for row, text in rows)
        return "\n".join(("index\tprediction", *lines)) + "\n"

    def spell(self, text: str) -> str:
        """Spell a prediction as the leaderboard has it."""
        return str(self.numbers.index(text)) if text in self.numbers else " ".join(text.split())

    def read(self, path: Path, examples: DataSource[Example]) -> dict[str, str]:
        """Read a table; its rows may be fewer than the examples, in any order."""
        labels = {str(number): label for number, label in enumerate(self.numbers)}
        predictions: dict[str, str] = {}
        for row in read_rows(path):
            if set(row.cells) != {"index", "prediction"}:
                raise UserError(f"{path}, line 1: the columns must be index and prediction")
            key = self._id(row, examples)
            if key in predictions:
                raise UserError(f"{row.where}: index {row.cells['index']} stands here again")
            text = str(row.cells["prediction"])
            predictions[key] = labels.get(text, text)
        return predictions

    def _id(self, row: Row, examples: DataSource[Example]) -> str:
        text = str(row.cells["index"])
        if not (text.isascii() and text.isdigit() and int(text) < len(examples)):
            raise UserError(
                f"{row.where}: the index must be a number from 0 to {len(examples) - 1}, "
                f"not {text!r:.40}"
            )
        return examples[int(text)].id


@final
@dataclass(frozen=True, slots=True)
class JsonLabels:
    """A JSON object a line with `idx` and `label`; `spelling` is by prediction, else the text."""

    name: str
    spelling: tuple[tuple[str, Any], ...] = ()

    def dump(self, examples: DataSource[Example], predictions: Mapping[str, str]) -> str:
        """Return the lines; an example without a prediction has none."""
        spelled = dict(self.spelling)
        lines = []
        for each in examples:
            if each.id in predictions:
                text = predictions[each.id]
                line = {"idx": json_id(each.id), "label": spelled.get(text, text)}
                lines.append(json.dumps(line, ensure_ascii=False))
        return "".join(line + "\n" for line in lines)

    def read(self, path: Path, examples: DataSource[Example]) -> dict[str, str]:
        predictions: dict[str, str] = {}
        for row in read_rows(path):
            if set(row.cells) != {"idx", "label"}:
                raise UserError(f"{row.where}: expected {{'idx': ..., 'label': ...}}")
            key = str(row.cells["idx"])
            if key in predictions:
                raise UserError(f"{row.where}: idx {key} stands here again")
            predictions[key] = self._text(row)
        return predictions

    def _text(self, row: Row) -> str:
        label = row.cells["label"]
        for text, spelling in self.spelling:
            if type(label) is type(spelling) and label == spelling:
                return text
        if not isinstance(label, str):
            raise UserError(f"{row.where}: a label cannot be {label!r:.40}")
        return label


def json_id(key: str) -> int | str:
    """Return an id as the official files have it: a number where it is one."""
    return int(key) if key.isascii() and key.isdigit() else key
