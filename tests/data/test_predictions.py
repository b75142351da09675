"""Prediction files: read as the official scripts do, refused in one line."""

from pathlib import Path

import pytest

from headwater.data.predictions import read_predictions, read_probabilities
from headwater.errors import UserError


def test_both_kinds(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"q1": "Rhine", "q2": ""}')
    assert read_predictions(path) == {"q1": "Rhine", "q2": ""}
    path.write_text('{"q1": 0.25, "q2": 1}')
    assert read_probabilities(path) == {"q1": 0.25, "q2": 1.0}


@pytest.mark.parametrize("content", ['["Rhine"]', '{"q1": null}', '{"q1": ["Rhine"]}', '{"q1": 1}'])
def test_refused_predictions(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(UserError, match=f"^{path}: (an object|the prediction of 'q1')"):
        read_predictions(path)


@pytest.mark.parametrize("value", ["true", '"0.5"', "null", "1e999", "1" + 400 * "0", "NaN"])
def test_refused_probabilities(tmp_path: Path, value: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(f'{{"q1": {value}}}')
    with pytest.raises(UserError, match=f"^{path}: (the no-answer probability of 'q1'|NaN)"):
        read_probabilities(path)
