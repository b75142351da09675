"""Plans of every family and kind of task; what does not fit, and what makes it fit."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tiny
from headwater.cli import app
from headwater.data.batching import collate
from headwater.errors import UserError
from headwater.planning.cards import CARDS, card
from headwater.planning.counting import Counter
from headwater.planning.network import build
from headwater.planning.plan import Plan, plan
from headwater.planning.recipe import settled
from headwater.planning.steps import count_steps
from headwater.planning.switches import changed, switches_that_fit
from headwater.runs.recipe import PretrainRecipe, Recipe, RunRecipe
from headwater.runs.run import begin

H100 = CARDS["h100"]
BERT = {"preset": "bert-base-uncased", "sizes": tiny.PRESET_SIZES["bert-base-uncased"]}
TRAINING = {"steps": 3, "batch": {"examples": 4}, "device": "cpu", "precision": "fp32"}


def planned(recipe: RunRecipe, gpus: int = 1, **changes: Any) -> Plan:
    resolved = settled(changed(recipe, changes))
    steps = count_steps(resolved)
    return plan(resolved, steps, gpus=gpus, card=H100, utilisation=0.5)


def pretraining(objective: str, folder: Path, preset: str, **tables: Any) -> PretrainRecipe:
    if objective in ("bilm", "cbow"):
        vocabulary = tiny.example_words(folder / "vocabulary")
    elif objective in ("mlm", "replaced_tokens"):
        vocabulary = tiny.wordpiece(folder / "vocabulary", tiny.WORDS, tiny.LETTERS)
    else:
        vocabulary = tiny.example_unigram()
    store = tiny.token_store(folder / "store", vocabulary)
    return tiny.pretrain_recipe(
        objective, preset, store, training={"batch": {"examples": 4}}, **tables
    )


ELMO = {"cells": 16, "projection_dim": 8, "samples": 10, "filters": [[1, 4], [2, 4]]}
OBJECTIVES: list[tuple[str, str, Mapping[str, Any]]] = [
    ("mlm", "bert-base-uncased", {"mlm": {"max_length": 24}}),
    ("mlm", "bert-base-uncased", {"mlm": {"max_length": 24, "next_sentence": False}}),
    ("lm", "gpt2", {"lm": {"length": 24}}),
    ("prefix_lm", "t5-small", {"lm": {"length": 24}}),
    ("span_corruption", "t5-small", {"span_corruption": {"inputs": 24}}),
    ("span_corruption", "t5-small", {"span_corruption": {"inputs": 24, "packing": True}}),
    ("cbow", "cbow", {"cbow": {"length": 24}, "sizes": {"samples": 10}}),
    ("bilm", "elmo-small", {"lm": {"length": 16}, "sizes": ELMO}),
]


@pytest.mark.parametrize(("objective", "preset", "tables"), OBJECTIVES)
def test_a_planned_batch_is_like_one_of_the_run(
    objective: str, preset: str, tables: Mapping[str, Any], tmp_path: Path
) -> None:
    recipe = settled(pretraining(objective, tmp_path, preset, **tables))
    assert isinstance(recipe, PretrainRecipe)
    (batch,) = build(recipe, Counter()).batches()
    tensors, _ = batch.made(batch.rows)
    run = begin(recipe)
    features: Any = run.features()
    longest = features.features(np.argsort(-features.lengths, kind="stable"), 0)
    # As of long documents: none that packs the ends of several, which has more targets.
    of_one_text = [each for each in longest if np.ptp(each.get("blocks", np.zeros(1))) == 0]
    real = collate(of_one_text[:4], run.setup.pad_id)
    assert {name: (each.shape, each.dtype) for name, each in tensors.items()} == {
        name: (each.shape, each.dtype) for name, each in real.items()
    }
    found = planned(recipe)
    assert found.measured.parameters == sum(p.numel() for p in run.setup.model.parameters())
    assert found.steps == 3
    assert found.step_rows == 4
    assert found.speed is not None
    assert found.memory.peak > found.memory.weights + found.memory.moments


@pytest.mark.parametrize("task", ["squad", "sst2", "stsb", "wnut17"])
def test_heads_of_tasks_are_planned_without_their_data(task: str, tmp_path: Path) -> None:
    tiny.wordpiece(tmp_path, tiny.WORDS, tiny.LETTERS)
    recipe = {
        "task": task,
        "data": {"train": ["nowhere.json"]},
        "network": {**BERT, "vocabulary": str(tmp_path)},
        "training": TRAINING,
        "spans": {"max_length": 48, "max_query_length": 8},
        "sequence": {"max_length": 48},
    }
    found = planned(Recipe.check(recipe, "recipe"))
    assert found.step_tokens == 4 * 48
    assert found.measured.flops > 0
    recipe["training"] = {**TRAINING, "steps": None, "epochs": 2}
    with pytest.raises(UserError, match=r"nowhere\.json.*--set training\.steps=N"):
        planned(Recipe.check(recipe, "recipe"))


def test_processes_share_a_step_and_its_memory(tmp_path: Path) -> None:
    recipe = pretraining("mlm", tmp_path, "bert-base-uncased", mlm={"max_length": 24})
    one, two, eight = (planned(recipe, gpus, gradient_accumulation_steps=2) for gpus in (1, 2, 8))
    assert one.step_flops == two.step_flops == eight.step_flops
    assert (one.turns, one.rows) == (2, 4)
    assert (two.turns, two.rows) == (1, 4)
    assert (eight.turns, eight.rows) == (1, 1)
    assert eight.memory.activations < two.memory.activations
    assert two.memory.exchange == two.memory.gradients
    assert one.speed is not None and eight.speed is not None
    assert one.speed.days > eight.speed.days


def test_the_optimizer_and_recomputing_change_what_they_should(tmp_path: Path) -> None:
    recipe = pretraining(
        "mlm", tmp_path, "bert-base-uncased", mlm={"max_length": 24},
        sizes={**tiny.PRESET_SIZES["bert-base-uncased"], "num_hidden_layers": 6},
    )  # fmt: skip
    usual = planned(recipe)
    assert usual.memory.moments == 2 * usual.memory.gradients
    again = planned(recipe, gradient_checkpointing=True)
    assert again.memory.activations < usual.memory.activations
    assert 1.2 < again.step_flops / usual.step_flops < 1.4
    assert usual.state == usual.model + usual.memory.moments


def test_the_switches_that_make_a_run_fit_are_named(tmp_path: Path) -> None:
    recipe = settled(
        pretraining(
            "mlm", tmp_path, "bert-base-uncased", mlm={"max_length": 48},
            sizes={**tiny.PRESET_SIZES["bert-base-uncased"], "num_hidden_layers": 8},
        )
    )  # fmt: skip

    def of(each: RunRecipe, room: int = 0) -> Plan:
        return plan(each, 3, gpus=1, card=H100, utilisation=0.5)

    whole = of(recipe).memory
    held = whole.peak - whole.activations
    little = switches_that_fit(recipe, 1, int((held + 0.6 * whole.activations) / 0.9), of)
    assert little is not None
    settings, found = little
    assert settings in ({"precision": "bf16"}, {"gradient_checkpointing": True})
    assert found == of(changed(recipe, settings))
    assert switches_that_fit(recipe, 1, held // 2, of) is None


def test_a_command_prints_it_and_gives_json(tmp_path: Path) -> None:
    recipe = pretraining("mlm", tmp_path, "bert-base-uncased", mlm={"max_length": 24})
    file = tmp_path / "recipe.toml"
    file.write_text(recipe.to_toml())
    said = CliRunner().invoke(app, ["plan", str(file), "--gpus", "2", "--card", "a100"])
    assert said.exit_code == 0, said.output
    for word in (
        "parameters",
        "weights",
        "moments",
        "activations",
        "tokens/s",
        "checkpoints",
        "yes",
    ):
        assert word in said.output
    given = CliRunner().invoke(app, ["plan", str(file), "--card", "cpu", "--json"])
    found = json.loads(given.output)
    assert found["speed"] is None and found["fits"]
    assert found["memory"]["weights"] == 4 * found["measured"]["parameters"]


def test_a_card_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UserError, match="--card h10"):
        card("h10")
    assert card("H100") == replace(H100)


@pytest.mark.parametrize("name", CARDS)
def test_every_card_stands_in_the_docs_with_its_numbers(name: str) -> None:
    found, docs = CARDS[name], Path(__file__).parents[2] / "docs" / "scale.md"
    rates = (found.bf16, found.fp32, found.bandwidth)
    cells = [f"{found.memory / 1e9:g}", *("" if x is None else f"{x / 1e12:g}" for x in rates)]
    row = " | ".join([f"`{name}`", *cells, found.source]).replace("|  |", "| |")
    assert f"| {row} |" in docs.read_text("utf-8").replace("|  |", "| |")
