"""Language modeling sequences for models that map text to text."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headwater.data.batching import collate, plan_epoch
from headwater.data.convert import PairSet
from headwater.errors import UserError
from headwater.objectives.lm import LanguageModelConfig, SplitText
from headwater.text.vocabulary import Vocabulary

MakeStore = Callable[..., Any]


@pytest.fixture(scope="module")
def store(make_store: MakeStore) -> Any:
    return make_store([[np.arange(5, 70)], [], [np.arange(70, 75)], [np.arange(75, 2000)]])


def test_both_sides_are_the_running_text(store: Any, t5: Vocabulary) -> None:
    objective = SplitText(store, t5, LanguageModelConfig(length=16), 0, "prefix_lm")
    assert isinstance(objective, PairSet)
    sequences = objective.features(np.arange(len(objective)), 0)
    whole = [np.concatenate([sequence["input_ids"], sequence["labels"]]) for sequence in sequences]
    expected = [*range(5, 70), 1, *range(70, 75), 1, *range(75, 2000), 1]
    stream = np.concatenate(whole)
    assert stream.tolist() == expected[: len(stream)]
    assert len(expected) - len(stream) < 16
    targets = np.array([len(sequence["labels"]) for sequence in sequences])
    assert (objective.target_lengths == targets).all() and (objective.lengths == 16).all()


def test_every_position_to_split_at_is_as_likely(store: Any, t5: Vocabulary) -> None:
    counts = np.zeros(6, int)
    for seed in range(20):
        objective = SplitText(store, t5, LanguageModelConfig(length=5), seed, "prefix_lm")
        counts += np.bincount(5 - objective.target_lengths, minlength=6)
    total = counts.sum()
    assert counts[0] == counts[5] == 0
    assert np.abs(counts[1:5] / total - 0.25).max() < 3.5 * np.sqrt(0.1875 / total)


def test_sequences_follow_from_seed_and_number_alone(store: Any, t5: Vocabulary) -> None:
    config = LanguageModelConfig(length=16)
    objective = SplitText(store, t5, config, 3, "prefix_lm")
    whole = objective.features(np.arange(20), 0)[7]
    alone = SplitText(store, t5, config, 3, "prefix_lm").features(np.array([7]), 5)[0]
    assert all(np.array_equal(whole[name], alone[name]) for name in whole)
    others = {SplitText(store, t5, config, seed, "prefix_lm").fingerprint for seed in range(3)}
    assert len(others) == 3


def test_lm_has_no_inputs(store: Any, t5: Vocabulary) -> None:
    objective = SplitText(store, t5, LanguageModelConfig(length=16), 0, "lm")
    sequences = objective.features(np.arange(3), 0)
    assert [len(sequence["input_ids"]) for sequence in sequences] == [0, 0, 0]
    assert sequences[0]["labels"].tolist() == list(range(5, 21))
    batch = collate(sequences, 0)
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (3, 0)


def test_sequences_that_are_parted_alike_meet(make_store: MakeStore, t5: Vocabulary) -> None:
    store = make_store([[np.resize(np.arange(5, 2000), 400_000)]])
    objective = SplitText(store, t5, LanguageModelConfig(length=100), 0, "prefix_lm")
    plan = plan_epoch(objective.lengths, objective.target_lengths, tokens=2000)
    cells = 0
    for step in plan:
        for sequences in step:
            targets = objective.target_lengths[sequences]
            cells += len(sequences) * (targets.max() + (100 - targets).max())
    assert 100 * len(objective) / cells > 0.97  # under 3% padding


def test_mistakes_are_reported(store: Any, t5: Vocabulary, bert: Vocabulary) -> None:
    with pytest.raises(UserError, match="end-of-sequence"):
        SplitText(store, bert, LanguageModelConfig(length=16), 0, "lm")
    with pytest.raises(UserError, match=r"lm\.packing = false"):
        SplitText(store, t5, LanguageModelConfig(length=16, packing=True), 0, "lm")
    with pytest.raises(UserError, match="fewer than one sequence"):
        SplitText(store, t5, LanguageModelConfig(length=5000), 0, "lm")
