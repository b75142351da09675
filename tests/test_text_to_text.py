"""The whole text-to-text chain learns: recipe, T5, loop, decoding, official score."""

from pathlib import Path

import pytest

import headwater
from headwater.evaluation.evaluator import evaluate
from headwater.runs.recipe import Recipe, load_recipe
from headwater.tasks.squad import SQUAD_V2

ROOT = Path(__file__).resolve().parents[1]


def test_a_tiny_t5_learns_most_example_questions_by_heart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    settings = [
        *("training.steps=200", "training.optimizer=adamw", "training.learning_rate=3e-3"),
        *("training.precision=fp32", "training.weight_decay=0.0", "training.device=cpu"),
        "network.sizes.dropout_rate=0.0",
    ]
    recipe = load_recipe(Recipe, ROOT / "recipes" / "t5-example.toml", {}, settings)
    headwater.finetune(recipe, tmp_path / "run")
    predictor = headwater.load(tmp_path / "run", "cpu").predictor(SQUAD_V2)
    examples = SQUAD_V2.read([ROOT / "examples" / "questions.json"])
    assert evaluate(predictor, SQUAD_V2, examples).metrics["exact"] >= 60
