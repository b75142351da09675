"""States of version 0.1 are continued to the same bits."""

import json
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import UserError
from headwater.files import sha256
from headwater.training.config import TrainingConfig
from headwater.training.old_states import as_version_2
from toy_training import toy_run

OLD = {new: old for old, new in TrainingConfig.old_names.items()}
NUMBERS = {
    "run_statistics": "run",
    "epoch_statistics": "epoch_tally",
    "log_statistics": "window",
    "evaluated_step": "evaluated",
    "followed_bests": "bests",
    "evaluations_since_best": "stale",
    "padded_tokens": "cells",
    "gradient_norm": "norm",
}


def old_names(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    return {NUMBERS.get(key, key): old_names(value) for key, value in values.items()}


def write_as_version_1(folder: Path) -> None:
    """Rewrite `state.json` as version 0.1 wrote that of the toy run."""
    content = json.loads((folder / "state.json").read_text())
    identity, training = content["identity"], content["identity"]["training"]
    old = {f"training.{OLD.get(key, key)}": repr(value) for key, value in training.items()}
    old |= {"data": identity["data"]["features"], "vocabulary": identity["vocabulary"]}
    place = old_names(content["state"])
    del place["processor_seconds"]
    content = {"place": place, "identity": old, "machine": content["machine"]}
    (folder / "state.json").write_text(json.dumps(content))
    sums = {item.name: sha256(item) for item in folder.iterdir() if item.name != "manifest.json"}
    (folder / "manifest.json").write_text(json.dumps(sums))


def test_an_old_state_is_continued_to_the_bit(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    toy_run(whole, steps=20)
    toy_run(cut, steps=20, time_limit_minutes=1e-9)  # each session takes a step
    for _ in range(7):
        toy_run(cut, resume=True, steps=20, time_limit_minutes=1e-9)
    for state in (cut / "state").glob("step-*"):
        write_as_version_1(state)
    with pytest.raises(UserError, match=r"resume: training\.max_grad_norm was 1\.0, is now 2\.0\."):
        toy_run(cut, resume=True, steps=20, max_grad_norm=2.0)
    assert toy_run(cut, resume=True, steps=20).reason == "finished"
    for name in ("model.safetensors", "optimizer.safetensors"):
        last = Path("state", "step-00000020", name)
        assert (cut / last).read_bytes() == (whole / last).read_bytes()
    version = json.loads((cut / "state" / "step-00000020" / "state.json").read_text())["version"]
    assert version == json.loads((cut / "state" / "finished").read_text())["version"] == 2


def test_an_old_identity_is_nested_and_what_was_measured_has_a_name() -> None:
    digest = "ab" * 32
    old = {
        "data": "all",
        "data.rte": digest,
        "recipe.lm": "{'length': 8}",
        "training.clip": "None",
        "training.tokens": "4096",
        "training.examples": "None",
        "validation": "{'rte': 'cd'}",
        "validation_rows": "{'mlm': 512}",
    }
    assert as_version_2({"identity": old})["identity"] == {
        "data": {"features": "all", "rte": digest},
        "lm": {"length": 8},
        "training": {"batch": {"tokens": 4096, "examples": None}, "max_grad_norm": None},
        "validation": {"rte": "cd"},
        "validation_rows": {},
    }
    pretraining = {"recipe.objective": "'mlm'", "validation": digest, "validation_rows": "8"}
    found = as_version_2({"identity": pretraining})["identity"]
    assert (found["validation"], found["validation_rows"]) == ({"mlm": digest}, {"mlm": 8})
    assert as_version_2({"version": 2, "identity": {}}) == {"version": 2, "identity": {}}
