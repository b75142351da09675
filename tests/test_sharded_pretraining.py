"""Pre-training on a token store in shards, alone and beside another store."""

import json
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.corpus import build_shards as room
from headwater.corpus.build_shards import build_shards
from headwater.errors import UserError
from headwater.runs.recipe import PretrainRecipe
from headwater.runs.run import pretrain


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two shards of some text."""
    monkeypatch.setattr(room, "SHARD", 1)
    for name in "ab":
        tiny.example_corpus(tmp_path / f"{name}.jsonl")
    files = [tmp_path / f"{name}.jsonl" for name in "ab"]
    build_shards(files, tiny.example_unigram(), tmp_path / "store", workers=1)
    return tmp_path / "store"


def recipe_of(store: Path, *others: Path, **training: Any) -> PretrainRecipe:
    names = [str(each) for each in (store, *others)]
    return tiny.pretrain_recipe(
        "span_corruption",
        "t5-small",
        store,
        training={"steps": 4, **training},
        span_corruption={"inputs": 24},
        corpus={"train": names, "validation": str(store), "validation_rows": 4},
    )


def losses(run: Path) -> list[float]:
    lines = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    return [line["loss"] for line in lines if "loss" in line]


def test_a_resumed_run_equals_an_unbroken_one(store: Path, tmp_path: Path) -> None:
    pretrain(recipe_of(store), tmp_path / "whole")
    limited = recipe_of(store, time_limit_minutes=1e-9)
    sessions = 0
    while pretrain(limited, tmp_path / "parts", resume=sessions > 0).reason == "time_limit":
        sessions += 1
    assert sessions > 2
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    weights = [tmp_path / name / "model" / "model.safetensors" for name in ("parts", "whole")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_it_is_read_beside_another_store(store: Path, tmp_path: Path) -> None:
    other = tiny.token_store(tmp_path / "other", tiny.example_unigram())
    outcome = pretrain(recipe_of(store, other, steps=2), tmp_path / "run")
    assert outcome.step == 2


def test_a_damaged_shard_stops_the_run(store: Path, tmp_path: Path) -> None:
    tokens = store / "shards" / "00001" / "tokens.bin"
    tokens.write_bytes(b"\0\0" + tokens.read_bytes()[2:])
    with pytest.raises(UserError, match="00001"):
        pretrain(recipe_of(store), tmp_path / "run")
