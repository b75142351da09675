"""Prediction files: read as the official scripts do, refused in one line."""

from pathlib import Path

import pytest

from headwater.data.example import Examples, TextExample
from headwater.data.predictions import JSON, LINES, read_probabilities
from headwater.errors import UserError
from headwater.files import write_json

NOTHING: Examples[TextExample] = Examples([])
LETTERS = Examples([TextExample(each, "x", ()) for each in "ab"])


def test_both_kinds(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"q1": "Rhine", "q2": ""}')
    assert JSON.read(path, NOTHING) == {"q1": "Rhine", "q2": ""}
    path.write_text('{"q1": 0.25, "q2": 1}')
    assert read_probabilities(path) == {"q1": 0.25, "q2": 1.0}


@pytest.mark.parametrize("content", ['["Rhine"]', '{"q1": null}', '{"q1": ["Rhine"]}', '{"q1": 1}'])
def test_refused_predictions(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(UserError, match=f"^{path}: (an object|the prediction of 'q1')"):
        JSON.read(path, NOTHING)


@pytest.mark.parametrize("value", ["true", '"0.5"', "null", "1e999", "1" + 400 * "0", "NaN"])
def test_refused_probabilities(tmp_path: Path, value: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(f'{{"q1": {value}}}')
    with pytest.raises(UserError, match=f"^{path}: (the no-answer probability of 'q1'|NaN)"):
        read_probabilities(path)


def test_json_is_written_as_before(tmp_path: Path) -> None:
    texts = {"q2": "", "q1": 'the "Rhône"\n'}
    written = JSON.dump(NOTHING, texts)
    assert written == '{\n  "q2": "",\n  "q1": "the \\"Rhône\\"\\n"\n}\n'
    write_json(tmp_path / "whole.json", texts)
    assert (tmp_path / "whole.json").read_text(encoding="utf-8") == written
    (tmp_path / JSON.name).write_text(written, encoding="utf-8")
    assert JSON.read(tmp_path / JSON.name, NOTHING) == texts


def test_lines_are_one_for_each_example(tmp_path: Path) -> None:
    path = tmp_path / LINES.name
    path.write_text(LINES.dump(LETTERS, {"b": "", "a": "one\ntwo \u2028 three"}), encoding="utf-8")
    assert path.read_bytes() == b"one two three\n\n"
    assert LINES.read(path, LETTERS) == {"a": "one two three", "b": ""}
    path.write_text("one\n")
    with pytest.raises(UserError, match=f"^{path}: 1 line for 2 examples"):
        LINES.read(path, LETTERS)
