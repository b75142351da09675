"""The T5 paper's architectures through every verb: pre-train, fine-tune, evaluate, predict, ask."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from headwater.checkpoints.folder import load_model
from headwater.commands.ask import print_answers
from headwater.errors import UserError
from headwater.evaluation.one_task import evaluate_files, predict_file
from headwater.inference.loaded import load
from headwater.runs.recipe import PretrainRecipe, Recipe
from headwater.runs.run import finetune, pretrain

ROOT = Path(__file__).resolve().parents[1]
TRAINED_ON = {
    "encoder_decoder": ("prefix_lm",),
    "shared": ("span_corruption", "prefix_lm"),
    "language_model": ("span_corruption", "lm", "prefix_lm"),
    "prefix_lm": ("span_corruption", "prefix_lm"),
}
CASES = [(name, objective) for name, several in TRAINED_ON.items() for objective in several]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.token_store(tmp_path_factory.mktemp("text") / "store", tiny.example_unigram())


def recipe_of(architecture: str, objective: str, store: Path, **training: Any) -> PretrainRecipe:
    tables = {"span_corruption": {"inputs": 48}, "lm": {"length": 48}}
    sizes = {"architecture": architecture}
    return tiny.pretrain_recipe(
        objective, "t5-small", store, sizes=sizes, training=training, **tables
    )


@pytest.mark.parametrize(("architecture", "objective"), CASES)
def test_a_run_in_many_sessions_equals_one_in_one(
    architecture: str, objective: str, store: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert pretrain(recipe_of(architecture, objective, store), whole).best_value is not None
    short = recipe_of(architecture, objective, store, time_limit_minutes=1e-9)
    sessions = 0
    while pretrain(short, parts, resume=sessions > 0).reason == "time_limit":
        sessions += 1
    assert sessions >= 2
    loaded = [load_model(run / "model") for run in (whole, parts)]
    assert loaded[0].config.architecture == architecture
    one, other = (each.model.state_dict() for each in loaded)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("architecture", TRAINED_ON)
def test_every_verb_takes_it(
    architecture: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pretrain(recipe_of(architecture, "prefix_lm", store, steps=1), tmp_path / "body")
    questions = ROOT / "examples" / "questions.json"
    values = {
        "model": str(tmp_path / "body"),
        "task": "squad_v2",
        "data": {"train": [str(questions)]},
        "text": {"max_targets": 4},
        "training": {"steps": 1, "batch": {"examples": 2}, "device": "cpu"},
    }
    reader = tmp_path / "reader"
    assert finetune(Recipe.check(values, "test"), reader).step == 1
    metrics = evaluate_files(str(reader), "squad_v2", [questions], device="cpu")
    assert metrics["total"] > 10
    predict_file(str(reader), "squad_v2", questions, tmp_path / "p.json", device="cpu")
    assert len(json.loads((tmp_path / "p.json").read_text())) == metrics["total"]
    answers = load(reader, "cpu").answer("Who?", "Ada did.", top_k=2)
    assert len({answer.text for answer in answers}) == len(answers) >= 1
    print_answers(answers)
    assert "score" in capsys.readouterr().out


def test_mistakes_name_the_fix(store: Path, tmp_path: Path) -> None:
    for architecture in ("encoder_decoder", "shared", "prefix_lm"):
        with pytest.raises(UserError, match=f"architecture {architecture} takes prefix_lm"):
            pretrain(recipe_of(architecture, "lm", store), tmp_path / "run")
    wrong = recipe_of("shared", "prefix_lm", store).model_dump(exclude_unset=True)
    for sizes, message in (
        ({"architecture": "prefixlm"}, "did you mean 'prefix_lm'"),
        ({"architecture": "shared", "num_layers": 2}, "must be the same number"),
    ):
        wrong["network"] = {"preset": "t5-small", "sizes": tiny.PRESET_SIZES["t5-small"] | sizes}
        with pytest.raises(UserError, match=message):
            pretrain(PretrainRecipe.check(wrong, "test"), tmp_path / "run")
    packed = recipe_of("prefix_lm", "span_corruption", store).model_dump(exclude_unset=True)
    packed["span_corruption"] = {"inputs": 48, "packing": True}
    with pytest.raises(UserError, match=r"span_corruption\.packing = false"):
        pretrain(PretrainRecipe.check(packed, "test"), tmp_path / "run")
    assert not (tmp_path / "run" / "log.jsonl").exists()
