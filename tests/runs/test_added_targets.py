"""A T5 learns to write tokens that were added to its vocabulary; without them it is warned of."""

import json
import logging
from pathlib import Path

import pytest
import torch

import headwater
import tiny
from headwater.checkpoints.folder import save_model
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune

TASK = """
kind = "sequence"
labels = ["{yes}", "{no}"]
metrics = ["accuracy"]
template = "say: {text}"
texts = ["text"]
"""


def _body(folder: Path, spiece: Path, added: dict[str, int]) -> Path:
    torch.set_num_threads(1)
    save_model(folder, tiny.t5(vocab_size=32_128, dropout=0.0))
    (folder / "spiece.model").symlink_to(spiece)
    (folder / "added_tokens.json").write_text(json.dumps(added))
    return folder


@pytest.mark.parametrize("added", [{}, {"{": 32_100, "}": 32_101}])
def test_targets_with_braces(
    shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, added: dict[str, int]
) -> None:
    (tmp_path / "braces.toml").write_text(TASK)
    data = tmp_path / "a.csv"
    data.write_text("text,label\n" + "up,{yes}\ndown,{no}\n" * 8)
    spiece = shared / "data/tokenizers/t5/spiece.model"
    recipe = Recipe.check(
        {
            "model": str(_body(tmp_path / "body", spiece, added)),
            "task": str(tmp_path / "braces.toml"),
            "data": {"train": [str(data)]},
            "training": {
                **{"steps": 40, "batch": {"examples": 8}, "learning_rate": 3e-2},
                **{"optimizer": "adamw", "schedule": "constant", "device": "cpu"},
                **{"precision": "fp32", "weight_decay": 0.0},
            },
        },
        "test",
    )
    with caplog.at_level(logging.WARNING):
        finetune(recipe, tmp_path / "run")
    said = [each.getMessage() for each in caplog.records if "does not know" in each.getMessage()]
    expected = "16 of 16 targets hold what the vocabulary does not know, which is learned as <unk>"
    assert len(said) == (0 if added else 1)
    model = headwater.load(tmp_path / "run", "cpu")
    assert model.vocabulary.size == 32_100 + len(added)
    if added:
        assert model.generate(["say: up", "say: down"]) == ["{ yes}", "{ no}"]
        assert json.loads((tmp_path / "run/model/config.json").read_text())["vocab_size"] == 32_128
    else:
        assert f"{expected}: '{{', '}}'" in said[0]
