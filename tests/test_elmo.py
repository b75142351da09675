"""From raw text to a pre-trained ELMo: words, features, training, resume, and its folder."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from headwater.checkpoints.folder import load_model
from headwater.errors import UserError
from headwater.models.elmo.network import ELMo
from headwater.nn.characters import character_ids
from headwater.runs.recipe import PretrainRecipe
from headwater.runs.run import pretrain
from headwater.text.loading import load_vocabulary

SPRING = Path(__file__).resolve().parents[1] / "examples" / "spring.txt"
SIZES: dict[str, Any] = {
    "filters": [[1, 4], [2, 4], [3, 8]],
    "projection_dim": 16,
    "cells": 32,
    "samples": 50,
}


@pytest.fixture(scope="session")
def word_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example text as a token store of words."""
    folder = tmp_path_factory.mktemp("words")
    return tiny.token_store(folder / "store", tiny.example_words(folder / "vocabulary"), SPRING)


def elmo_recipe(store: Path, sizes: dict[str, Any] | None = None, **training: Any) -> Any:
    sizes, training = SIZES | (sizes or {}), {"steps": 4, **training}
    table = {"length": 20}
    return tiny.pretrain_recipe(
        "bilm", "elmo-small", store, sizes=sizes, training=training, lm=table
    )


def test_training_lowers_the_perplexity_and_leaves_a_model(
    word_store: Path, tmp_path: Path
) -> None:
    recipe = elmo_recipe(word_store, steps=40, learning_rate=1e-2, eval_steps=20)
    pretrain(recipe, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    measured = [line["evaluation"] for line in lines if "evaluation" in line]
    assert measured[-1]["perplexity"] < 0.95 * measured[0]["perplexity"] < 70  # of 100 words
    config = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert config["model_type"] == "elmo"
    assert config["filters"] == SIZES["filters"]
    model = load_model(tmp_path / "run" / "model").model
    assert isinstance(model, ELMo)
    vocabulary = load_vocabulary(tmp_path / "run" / "model")
    ids = torch.from_numpy(vocabulary.encode("the spring flows").ids).long()[None]
    assert ids.shape == (1, 3)
    spelled = torch.from_numpy(character_ids(["the", "spring", "flows"])).long()[None]
    difference = model({"input_ids": ids}) - model({"character_ids": spelled})
    assert (difference[0, 0].abs().amax(1) < 1e-5).tolist() == [
        vocabulary.token(id) == word
        for id, word in zip(ids[0].tolist(), ("the", "spring", "flows"), strict=True)
    ]


def test_an_elmo_in_many_sessions_equals_one_in_one(word_store: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    pretrain(elmo_recipe(word_store), whole)
    short = elmo_recipe(word_store, time_limit_minutes=1e-9)
    sessions = 0
    while pretrain(short, parts, resume=sessions > 0).reason == "time_limit":
        sessions += 1
    assert sessions >= 3
    one, other = (load_model(run / "model").model.state_dict() for run in (whole, parts))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"filters": [[1, 4, 5]]}, r"filters = \[\[1, 4, 5\]\]: expected \[\[width, number\]"),
        ({"cells": 0}, "network.sizes.cells = 0"),
        ({"heads": 4}, "elmo-small has no size 'heads'"),
        ({"activation": "sine"}, "network.sizes.activation"),
    ],
)
def test_a_wrong_size_is_named(
    word_store: Path, tmp_path: Path, sizes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        pretrain(elmo_recipe(word_store, sizes), tmp_path / "run")


def test_an_elmo_takes_no_other_objective(word_store: Path, tmp_path: Path) -> None:
    values = elmo_recipe(word_store).model_dump(exclude_unset=True) | {"objective": "lm"}
    with pytest.raises(UserError, match=r"this is an elmo; its objectives are bilm"):
        pretrain(PretrainRecipe.check(values, "test"), tmp_path / "run")


def test_a_folder_with_wrong_filters_is_refused(word_store: Path, tmp_path: Path) -> None:
    pretrain(elmo_recipe(word_store, steps=1), tmp_path / "run")
    file = tmp_path / "run" / "model" / "config.json"
    for changed, message in (
        ({"filters": "many"}, "config.json: filters = 'many'"),
        ({"cells": 31}, r"wrong shape or type: lstm\.0\.bias is \(2, 128\), .* \(2, 124\)"),
    ):
        content = json.loads(file.read_text())
        file.write_text(json.dumps(content | changed))
        with pytest.raises(UserError, match=message):
            load_model(tmp_path / "run" / "model")
        file.write_text(json.dumps(content))
