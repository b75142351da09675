"""Counts of large batches are continued from smaller ones: they are what counting gives."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.data import batching
from headwater.planning import network, passes
from headwater.planning.measure import Measured, measure
from headwater.planning.recipe import settled
from headwater.planning.switches import changed
from headwater.runs.recipe import Recipe, RunRecipe
from headwater.training.config import BatchSize

ROWS = 192


def counted(recipe: RunRecipe) -> Measured:
    return measure(settled(recipe), bf16=False, cpu=False)


def pretraining(folder: Path, objective: str, preset: str, **tables: Any) -> RunRecipe:
    vocabulary = tiny.example_unigram()
    if objective == "mlm":
        vocabulary = tiny.wordpiece(folder / "vocabulary", tiny.WORDS, tiny.LETTERS)
    store = tiny.token_store(folder / "store", vocabulary)
    training = {"batch": {"examples": ROWS}}
    return tiny.pretrain_recipe(objective, preset, store, training=training, **tables)


def retrieval(folder: Path) -> RunRecipe:
    tiny.wordpiece(folder, tiny.WORDS, tiny.LETTERS)
    sizes = tiny.PRESET_SIZES["bert-base-uncased"]
    network = {"preset": "bert-base-uncased", "vocabulary": str(folder), "sizes": sizes}
    values = {
        "task": "retrieval",
        "data": {"train": ["nowhere.json"]},
        "network": network,
        "training": {"steps": 3, "batch": {"examples": ROWS}},
        "sequence": {"max_length": 32},
    }
    return Recipe.check(values, "recipe")


@pytest.mark.parametrize(
    ("objective", "preset", "tables"),
    [
        ("mlm", "bert-base-uncased", {"mlm": {"max_length": 24}}),
        ("span_corruption", "t5-small", {"span_corruption": {"inputs": 24}}),
    ],
)
def test_more_sequences_take_as_much_as_counting_them_gives(
    objective: str,
    preset: str,
    tables: Mapping[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = pretraining(tmp_path, objective, preset, **tables)
    whole = counted(recipe)
    monkeypatch.setattr(passes, "MOST", ROWS // 3)
    assert counted(recipe) == whole


def test_sequences_that_are_compared_take_the_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = retrieval(tmp_path)
    whole = counted(recipe)
    monkeypatch.setattr(passes, "MOST", ROWS // 3)
    continued = counted(recipe)
    assert continued.flops == whole.flops
    assert continued.activations == whole.activations
    assert continued.backward == pytest.approx(whole.backward, rel=0.01)


def test_a_million_sequences_are_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def collate(features: Sequence[Any], pad_id: int) -> Any:
        made.append(len(features))
        return batching.collate(features, pad_id)

    monkeypatch.setattr(network, "collate", collate)
    recipe = pretraining(tmp_path, "mlm", "bert-base-uncased", mlm={"max_length": 24})
    found = counted(changed(recipe, {"batch": BatchSize(examples=10**6)}))
    assert found.rows == 10**6
    assert found.tokens == 24 * 10**6
    assert max(made) == passes.MOST
