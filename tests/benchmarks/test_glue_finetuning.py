"""GLUE beside a plain loop: both read and score alike, and nothing is done twice."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import tiny
from headwater.tasks.glue import MRPC
from headwater.tasks.pair_features import encode_pairs
from headwater.text.loading import load_vocabulary

WORDS = ("the", "a", "mill", "river", "spring", "ran", "stood", "fell", "dry", "again")
COLUMNS = {
    "MRPC": ("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"),
    "STS-B": ("score", "index", "genre", "sentence1", "sentence2"),
}


@pytest.fixture(scope="module")
def glue_finetuning() -> ModuleType:
    """The benchmark as a module."""
    pytest.importorskip("transformers")
    return importlib.import_module("benchmarks.quality.glue_finetuning")


@pytest.fixture
def made_up(tmp_path: Path) -> tuple[Path, Path]:
    """A tiny BERT, and files of MRPC and STS-B."""
    vocabulary = tiny.wordpiece(tmp_path, WORDS)
    tiny.model_folder(tmp_path / "tiny", vocabulary, num_hidden_layers=1)
    for name, columns in COLUMNS.items():
        for split, count in (("train", 90), ("dev", 20)):
            rows = [columns, *(_row(number) for number in range(count))]
            tiny.tab_separated(tmp_path / "glue" / name / f"{split}.tsv", rows)
    return tmp_path / "tiny", tmp_path / "glue"


def _row(number: int) -> tuple[str, ...]:
    first, second = (" ".join(WORDS[number // n % 10 :]) for n in (1, 10))
    return (str(number % 2), str(number), str(number), first, f"{second} again" * (number % 4 + 1))


def test_glue_is_finetuned_by_both_and_not_twice(
    glue_finetuning: ModuleType,
    made_up: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, glue = made_up
    results = tmp_path / "results.jsonl"
    given = ["--model", model, "--glue", glue, "--results", results, "--tasks", "mrpc,stsb"]
    monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, given), "--seeds", "1"])
    glue_finetuning.main()
    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    turns = [(task, side) for task in ("mrpc", "stsb") for side in ("ours", "theirs")]
    assert [(line["task"], line["side"]) for line in lines] == turns
    assert [list(line["metrics"]) for line in lines[1:3]] == [
        ["f1", "accuracy"],
        ["pearson", "spearman"],
    ]
    assert all(line["rate"] > 0 for line in lines)
    assert [row.split(" | ")[1] for row in printed.splitlines()[2:6]] == [
        *("f1", "accuracy", "pearson", "spearman")
    ]
    glue_finetuning.main()
    assert capsys.readouterr().out == printed
    assert len(results.read_text(encoding="utf-8").splitlines()) == 4


def test_the_plain_loop_reads_and_scores_the_same(
    glue_finetuning: ModuleType, made_up: tuple[Path, Path]
) -> None:
    model, glue = made_up
    options: Any = type("Options", (), {"model": model, "glue": glue, "most": 64})
    options.precision = "fp32"
    recipe = glue_finetuning.recipe_of("mrpc", 2, options)
    assert (recipe.training.seed, recipe.data.most, recipe.training.epochs) == (2, 64, 5)
    loop = glue_finetuning.PlainLoop(recipe, MRPC.labels)
    examples = MRPC.read([glue])
    ours = encode_pairs(load_vocabulary(model), examples, recipe.sequence, MRPC.labels)
    for row, example in enumerate(examples):
        theirs = loop.encode(example, labelled=True)
        for name, values in ours[row].items():
            assert theirs[name] == values.tolist()
    assert set(loop.predict(examples)) == {example.id for example in examples}


def test_the_rate_is_that_of_the_steps_between(glue_finetuning: ModuleType) -> None:
    log: list[dict[str, Any]] = [
        {"step": 1, "loss": 1.0, "examples": 32, "seconds": 7.0},
        {"step": 2, "loss": 1.0, "examples": 64, "seconds": 8.0},
        {"step": 2, "epoch": 1, "examples": 64, "seconds": 8.0},
        {"step": 2, "evaluation": {"f1": 1.0}, "seconds": 50.0},
        {"step": 3, "loss": 1.0, "examples": 96, "seconds": 60.0},
        {"step": 4, "loss": 1.0, "examples": 112, "seconds": 62.0},
        {"step": 4, "epoch": 2, "examples": 48, "seconds": 62.0},
    ]
    assert glue_finetuning.rate(glue_finetuning.epochs_of(log)) == (32 + 16) / (1 + 2)


def test_the_table_has_mean_and_spread(glue_finetuning: ModuleType) -> None:
    measured = ((0, 80.0, 20.0, 82.0, 10.0), (1, 84.0, 30.0, 82.0, 30.0))
    results = [
        glue_finetuning.Result("rte", seed, side, {"accuracy": score}, rate, "1", {})
        for seed, *both in measured
        for side, score, rate in (("ours", *both[:2]), ("theirs", *both[2:]))
    ]
    row = glue_finetuning.table(results).splitlines()[2]
    assert row == (
        "| rte | accuracy | 82.00 ± 2.83 | 82.00 ± 0.00 | +0.00 ± 2.00 "
        "| 25.0 | 20.0 | 1.50 (1.00 to 2.00) |"
    )
