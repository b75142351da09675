"""Prediction files in the official form: one JSON object of question ids.

Answers: `{"id": "text"}`, with "" for "no answer". No-answer probabilities: `{"id": 0.25}`.
"""

import sys
from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.files import read_json


def read_predictions(path: Path) -> dict[str, str]:
    """Read answers by question id.

    Raises:
        UserError: the file cannot be read or is not an object of texts.
    """
    predictions: dict[str, str] = {}
    for key, value in _object(path, "a text").items():
        if not isinstance(value, str):
            raise UserError(f"{path}: the prediction of {key!r} must be a text, not {value!r:.40}")
        predictions[key] = value
    return predictions


def read_probabilities(path: Path) -> dict[str, float]:
    """Read no-answer probabilities by question id.

    Raises:
        UserError: the file cannot be read or is not an object of finite numbers.
    """
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
