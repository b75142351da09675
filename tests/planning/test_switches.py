"""Which switches are advised, and which a run would refuse."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.planning.cards import CARDS
from headwater.planning.plan import Plan, plan
from headwater.planning.recipe import settled
from headwater.planning.switches import changed, switches_that_fit
from headwater.runs.recipe import RunRecipe
from headwater.training.config import BatchSize

NONE: Mapping[str, Any] = {}
BF16 = {"precision": "bf16"}
FP16 = {"precision": "fp16"}
SHARD = {"shard": True, "cpu_offload": True}


class Never:
    """A plan that does not fit, and has nothing to make smaller."""

    rows = 1

    class memory:
        peak = activations = 0

    class measured:
        layers = 1

    def fits(self, room: int) -> bool:
        return False


@pytest.mark.parametrize(
    ("gpus", "bf16", "changes", "method", "advised"),
    [
        (1, True, NONE, "full", BF16),
        (1, False, NONE, "full", FP16),
        (1, False, {"shard": True}, "full", NONE),
        (2, True, {"precision": "bf16", "shard": True}, "full", {"cpu_offload": True}),
        (2, True, {"precision": "bf16", **SHARD}, "full", NONE),
        (2, True, NONE, "full", {**BF16, **SHARD}),
        (2, False, NONE, "full", {**FP16, **SHARD}),
        (2, True, {"precision": "bf16"}, "full", SHARD),
        (2, True, {"precision": "fp16"}, "full", NONE),
        (2, True, NONE, "features", BF16),
    ],
)
def test_what_no_run_could_do_is_not_advised(
    gpus: int,
    bf16: bool,
    changes: Mapping[str, Any],
    method: str,
    advised: Mapping[str, Any],
    tmp_path: Path,
) -> None:
    recipe = changed(tiny.pretrain_recipe("mlm", "bert-base-uncased", tmp_path), changes)
    recipe = recipe.model_copy(update={"method": method})
    tried: dict[str, Any] = {}

    def planned(each: RunRecipe) -> Any:
        old, new = recipe.training.model_dump(), each.training.model_dump()
        tried.update({key: value for key, value in new.items() if value != old[key]})
        return Never()

    assert switches_that_fit(recipe, gpus, 1, planned, bf16=bf16) is None
    assert tried == {**advised, "gradient_checkpointing": True}


def test_parts_in_host_memory_come_last(tmp_path: Path) -> None:
    words = tiny.wordpiece(tmp_path / "vocabulary", tiny.WORDS, tiny.LETTERS)
    store = tiny.token_store(tmp_path / "store", words)
    mlm = {"max_length": 48}
    recipe = tiny.pretrain_recipe("mlm", "bert-base-uncased", store, mlm=mlm)
    given = {"batch": BatchSize(examples=2), "precision": "bf16", "gradient_checkpointing": True}
    recipe = settled(changed(recipe, given))

    def planned(each: RunRecipe) -> Plan:
        return plan(each, 3, gpus=2, card=CARDS["h100"], utilisation=0.5)

    ways = [changed(recipe, way) for way in ({}, {"shard": True}, SHARD)]
    copied, sharded, offloaded = (planned(each).memory.peak for each in ways)
    assert copied > sharded > offloaded
    for held, wanted in ((sharded, {"shard": True}), (offloaded, SHARD)):
        found = switches_that_fit(recipe, 2, int(held / 0.9) + 2, planned)
        assert found is not None and found[0] == wanted


def test_a_model_without_layers_is_not_told_to_compute_them_twice(tmp_path: Path) -> None:
    store = tiny.token_store(tmp_path / "store", tiny.example_words(tmp_path / "vocabulary"))
    recipe = settled(tiny.pretrain_recipe("cbow", "cbow", store, sizes={"samples": 10}))

    def planned(each: RunRecipe) -> Plan:
        return plan(each, 3, gpus=1, card=CARDS["h100"], utilisation=0.5)

    assert switches_that_fit(recipe, 1, 1, planned) is None
