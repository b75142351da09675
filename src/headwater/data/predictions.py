"""Prediction files in their official forms.

    JSON       {"id": "text"}, with "" for "no answer"          question answering
    LINES      one prediction a line, in the examples' order    translation, summarization
    Table      a header, then a line for each                   GLUE

No-answer probabilities are one JSON object: `{"id": 0.25}`.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, final

from headwater.data.example import DataSource, Example, Examples
from headwater.errors import UserError
from headwater.files import read_json, read_lines


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
        """Read answers by example id."""
        predictions: dict[str, str] = {}
        for key, value in _object(path, "a text").items():
            if not isinstance(value, str):
                raise UserError(
                    f"{path}: the prediction of {key!r} must be a text, not {value!r:.40}"
                )
            predictions[key] = value
        return predictions


@final
class LinePredictions:
    """One line for each example, in their order. Line breaks inside a text become spaces."""

    name = "predictions.txt"

    def dump(self, examples: DataSource[Example], predictions: Mapping[str, str]) -> str:
        """Return the lines."""
        return "".join(" ".join(predictions[each.id].split()) + "\n" for each in examples)

    def read(self, path: Path, examples: Examples[Example]) -> dict[str, str]:
        """Read the lines: one for each example, or for each row of the files.

        Rows whose answer is not known are no examples to score, but were predicted.
        """
        lines = read_lines(path)
        rows = len(examples) + examples.report.dropped
        if len(lines) == len(examples):
            return {each.id: line for each, line in zip(examples, lines, strict=True)}
        if len(lines) == rows:
            return {each.id: lines[int(each.id)] for each in examples}
        raise UserError(
            f"{path}: {len(lines)} lines for {rows} examples; one for each was expected"
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
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: an object was expected, with {what} for every question id")
    return content
