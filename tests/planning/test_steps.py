"""Steps are counted over stores of every kind that a run reads."""

from pathlib import Path

import pytest

import tiny
from headwater.corpus import build_shards as room
from headwater.corpus.build_shards import build_shards
from headwater.planning.recipe import settled
from headwater.planning.steps import count_steps
from headwater.runs.run import begin
from headwater.training.plan import Plan


def test_epochs_over_a_store_in_shards_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SHARD", 1)
    files = [tiny.example_corpus(tmp_path / f"{name}.jsonl") for name in "ab"]
    build_shards(files, tiny.example_unigram(), tmp_path / "store", workers=1)
    training = {"steps": None, "epochs": 2}
    tables = {"span_corruption": {"inputs": 24}}
    recipe = settled(
        tiny.pretrain_recipe(
            "span_corruption", "t5-small", tmp_path / "store", training=training, **tables
        )
    )
    run = begin(recipe)
    assert count_steps(recipe) == Plan(run.features(), run.recipe.training).total > 2
