"""Plans of sharded runs, and of batches that are not cut."""

from pathlib import Path

import pytest

import tiny
from headwater.models.build import empty_model
from headwater.planning.cards import CARDS
from headwater.planning.plan import Plan, plan
from headwater.planning.recipe import settled
from headwater.planning.switches import changed
from headwater.runs.recipe import Recipe, RunRecipe

T5 = {**tiny.PRESET_SIZES["t5-small"], "num_layers": 2, "num_decoder_layers": 2}


def planned(recipe: RunRecipe, gpus: int) -> Plan:
    return plan(settled(recipe), 3, gpus=gpus, card=CARDS["h100"], utilisation=0.5)


@pytest.mark.parametrize("architecture", ["encoder_decoder", "shared"])
def test_a_sharded_run_holds_its_share_and_what_is_gathered(
    architecture: str, tmp_path: Path
) -> None:
    store = tiny.token_store(tmp_path / "store", tiny.example_unigram())
    recipe = tiny.pretrain_recipe(
        "span_corruption", "t5-small", store, sizes={**T5, "architecture": architecture},
        training={"batch": {"examples": 4}, "shard": True}, span_corruption={"inputs": 24},
    )  # fmt: skip
    found = planned(recipe, 2)
    measured, memory = found.measured, found.memory
    assert found.shard and not planned(recipe, 1).shard
    halves = [-(-each // 2) for each in (measured.weights, measured.gradients, measured.moments)]
    assert [memory.weights, memory.gradients, memory.moments] == halves
    assert memory.exchange == 2 * (2 * measured.block + measured.rest)
    halved = planned(changed(recipe, {"precision": "bf16"}), 2).memory
    # weights of two layers are gathered in bf16; gradients are summed in float32
    assert halved.exchange == (1 + 2) * measured.block + 2 * measured.rest
    offloaded = planned(changed(recipe, {"cpu_offload": True}), 2).memory
    assert (offloaded.weights, offloaded.gradients, offloaded.moments) == (0, 0, 0)
    assert offloaded.peak == memory.exchange + memory.activations
    whole = 4 * measured.parameters
    if architecture == "shared":  # both sides call parts of the layers
        assert (measured.block, measured.rest) == (0, whole)
        return
    config = tiny.t5_config(**{**T5, "vocab_size": tiny.example_unigram().size})
    names = dict(empty_model(config, None).named_parameters())
    inside = [each for name, each in names.items() if ".layers." in name and "cross" not in name]
    assert measured.rest == whole - sum(each.nbytes for each in inside)
    assert 0 < measured.block < whole - measured.rest


def test_batches_of_retrieval_are_not_cut(tmp_path: Path) -> None:
    tiny.wordpiece(tmp_path, tiny.WORDS, tiny.LETTERS)
    recipe = Recipe.check(
        {
            "task": "retrieval",
            "data": {"train": ["nowhere.json"]},
            "network": {
                "preset": "bert-base-uncased", "vocabulary": str(tmp_path),
                "sizes": tiny.PRESET_SIZES["bert-base-uncased"],
            },
            "training": {"steps": 3, "batch": {"examples": 8}},
            "sequence": {"max_length": 32},
        },
        "recipe",
    )  # fmt: skip
    one, four = planned(recipe, 1), planned(recipe, 4)
    assert four.rows == one.rows == 8
    assert four.memory.activations == one.memory.activations
    assert four.speed is not None and one.speed is not None
    assert four.speed.step == one.speed.step
