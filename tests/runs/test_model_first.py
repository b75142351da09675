"""A model that no run can begin with is refused before the data are read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from headwater.errors import UserError
from headwater.runs.recipe import Recipe
from headwater.runs.run import begin


def other_tokenizer(folder: Path) -> None:
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps({"tokenizer_class": "FNetTokenizer"}))
    for name in ("vocab.txt", "tokenizer.json"):
        (folder / name).unlink(missing_ok=True)


def no_vocabulary(folder: Path) -> None:
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink(missing_ok=True)


def too_large(folder: Path) -> None:
    no_vocabulary(folder)
    tiny.wordpiece(folder, [f"word{n}" for n in range(200)])


def other_type(folder: Path) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_type": "mamba"}))


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def other_method(folder: Path) -> None:
    settings = {"method": "adapters", "settings": {"size": 4, "after_attention": False}}
    (folder / "method.json").write_text(json.dumps(settings))
    base = {"name": "x", "path": "x", "sha256": {"model.safetensors": "0"}}
    (folder / "base.json").write_text(json.dumps(base))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (other_tokenizer, "FNetTokenizer"),
        (no_vocabulary, "no vocabulary here"),
        (too_large, "vocab"),
        (other_type, "model_type 'mamba'"),
        (no_weights, r"holds no model\.safetensors"),
        (other_method, "holds only what method 'adapters' trained"),
    ],
)
def test_the_model_is_looked_at_first(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    folder = tmp_path / "model"
    tiny.model_folder(folder, tiny.wordpiece(tmp_path / "v", tiny.WORDS))
    spoil(folder)
    values = {"model": str(folder), "task": "sst2", "data": {"train": [str(tmp_path / "none.tsv")]}}
    with pytest.raises(UserError, match=said) as line:
        begin(Recipe.check(values, "test"))
    assert "none.tsv" not in str(line.value)


def test_the_vocabulary_of_a_network_is_looked_at_first(tmp_path: Path) -> None:
    values = {
        "network": {"preset": "bert-tiny", "vocabulary": str(tmp_path / "v")},
        "task": "sst2",
        "data": {"train": [str(tmp_path / "none.tsv")]},
    }
    with pytest.raises(UserError, match="/v: "):
        begin(Recipe.check(values, "test"))
    tiny.wordpiece(tmp_path / "v", tiny.WORDS)
    with pytest.raises(UserError, match=r"none\.tsv"):
        begin(Recipe.check(values, "test"))
