"""Several corpora read as one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headwater.data.convert import PairSet
from headwater.objectives.lm import LanguageModel, LanguageModelConfig
from headwater.objectives.sequences import ConcatenatedStores, store_seed
from headwater.objectives.span_corruption import SpanCorruption, SpanCorruptionConfig
from headwater.text.vocabulary import Vocabulary

MakeStore = Callable[..., Any]


@pytest.fixture
def sets(make_store: MakeStore, t5: Vocabulary) -> list[SpanCorruption]:
    """Two corpora of 3 and 2 sequences."""
    config = SpanCorruptionConfig(inputs=40)
    stores = [
        make_store([[range(100, 100 + sequences * config.raw)]], name)
        for sequences, name in ((3, "a"), (2, "b"))
    ]
    return [
        SpanCorruption(store, t5, config, store_seed(5, position))
        for position, store in enumerate(stores)
    ]


def labels(made: list[dict[str, np.ndarray]]) -> list[list[int]]:
    return [features["labels"].tolist() for features in made]


def test_an_epoch_has_the_sequences_of_every_reading(sets: list[SpanCorruption]) -> None:
    mixed = ConcatenatedStores(sets, [1, 2])
    assert len(mixed) == 3 + 2 + 2
    assert isinstance(mixed, PairSet)
    assert mixed.lengths.tolist() == [*sets[0].lengths, *sets[1].lengths, *sets[1].lengths]
    found = labels(mixed.features(np.arange(7), 4))
    assert found[:3] == labels(sets[0].features(np.arange(3), 4))
    assert found[3:5] == labels(sets[1].features(np.arange(2), 8))
    assert found[5:] == labels(sets[1].features(np.arange(2), 9))


def test_no_reading_has_the_noise_of_another(sets: list[SpanCorruption]) -> None:
    mixed = ConcatenatedStores(sets, [1, 3])
    seen = [
        tuple(sequence)
        for epoch in range(3)
        for sequence in labels(mixed.features(np.arange(3, 9), epoch))
    ]
    assert len(set(seen)) == len(seen) == 18


def test_sequences_come_in_the_order_asked_for(sets: list[SpanCorruption]) -> None:
    mixed = ConcatenatedStores(sets, [2, 1])
    whole = labels(mixed.features(np.arange(8), 1))
    order = np.array([7, 0, 4, 3, 6, 1])
    assert labels(mixed.features(order, 1)) == [whole[sequence] for sequence in order]


def test_the_fingerprint_tells_mixtures_apart(sets: list[SpanCorruption]) -> None:
    mixtures = [
        ConcatenatedStores(sets, [1, 1]),
        ConcatenatedStores(sets, [1, 2]),
        ConcatenatedStores(sets[::-1], [1, 1]),
    ]
    assert len({each.fingerprint for each in mixtures}) == 3


def test_sequences_without_targets_are_no_pairs(make_store: MakeStore, t5: Vocabulary) -> None:
    sequences = LanguageModel(make_store([[range(100, 140)]]), t5, LanguageModelConfig(length=8), 0)
    assert not isinstance(ConcatenatedStores([sequences, sequences], [1, 1]), PairSet)


def test_stores_have_seeds_of_their_own() -> None:
    seeds = [store_seed(seed, position) for seed in (0, 1) for position in range(3)]
    assert seeds[0] == 0 and seeds[3] == 1
    assert len(set(seeds)) == 6 and all(0 <= seed < 2**63 for seed in seeds)
