"""The order of sequences in shards: every one once, few shards at a time, any part alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.data.batching import plan_epoch
from headwater.data.order import permuted
from headwater.data.shard_order import (
    ShardOrder,
    joined_lengths,
    shard_counts,
    shard_lengths,
)

COUNTS = np.array([3, 0, 5, 1, 7, 2, 4])


@given(size=st.integers(1, 300), key=st.integers(0, 2**64 - 1))
def test_every_number_stands_at_one_position(size: int, key: int) -> None:
    found = permuted(key, size, np.arange(size))
    assert sorted(found.tolist()) == list(range(size))


def test_a_position_needs_no_other() -> None:
    whole = permuted(7, 10_000, np.arange(10_000))
    chosen = np.array([9_999, 0, 1_234])
    assert (permuted(7, 10_000, chosen) == whole[chosen]).all()


@pytest.mark.parametrize("size", [2, 5, 13])
def test_every_number_is_as_likely_anywhere(size: int) -> None:
    tables = np.array([permuted(key, size, np.arange(size)) for key in range(400)])
    counts = np.array([np.bincount(tables[:, place], minlength=size) for place in range(size)])
    expected = 400 / size
    spread = ((counts - expected) ** 2 / expected).sum()
    assert spread < (size - 1) ** 2 + 5 * (2 * (size - 1) ** 2) ** 0.5  # chi-squared, 5 sigma


@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any),
    together=st.integers(1, 5),
    cut=st.integers(1, 7),
)
def test_an_epoch_has_every_sequence_once(counts: list[int], together: int, cut: int) -> None:
    order = ShardOrder(np.array(counts), 3, 1, together)
    whole = order.indices(0, len(order))
    assert sorted(whole.tolist()) == list(range(sum(counts)))
    parts = [order.indices(begin, begin + cut) for begin in range(0, len(order), cut)]
    assert np.concatenate(parts).tolist() == whole.tolist()


def test_few_shards_are_mixed_at_a_time() -> None:
    counts = np.full(10, 50)
    order = ShardOrder(counts, 0, 0, 2)
    shards = order.indices(0, 500) // 50
    windows = [set(shards[begin : begin + 100].tolist()) for begin in range(0, 500, 100)]
    assert all(len(each) == 2 for each in windows) and len(set.union(*windows)) == 10
    assert (np.diff(shards[:100]) != 0).sum() > 25  # and they are mixed, not one after the other


def test_epochs_and_seeds_differ() -> None:
    orders = [ShardOrder(COUNTS, seed, epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    found = {tuple(order.indices(0, 22).tolist()) for order in orders}
    assert len(found) == 3


@pytest.mark.parametrize(
    "limits", [{"tokens": 40}, {"tokens": 4}, {"examples": 3}, {"tokens": 40, "accumulate": 3}]
)
def test_steps_are_as_large_as_those_of_one_store(limits: dict[str, int]) -> None:
    lengths = shard_lengths(10, COUNTS)
    plan = plan_epoch(lengths, shard_lengths(4, COUNTS), **limits)
    plain = plan_epoch(np.full(22, 10), np.full(22, 4), **limits)

    def shapes(steps: list[list[np.ndarray]]) -> list[list[int]]:
        return sorted([len(each) for each in step] for step in steps)

    assert shapes([*plan]) == shapes(plain)
    found = [index for step in plan for each in step for index in each.tolist()]
    assert sorted(found) == list(range(22))
    assert [each.tolist() for each in plan[-1]] == [each.tolist() for each in plan[len(plan) - 1]]
    with pytest.raises(IndexError):
        plan[len(plan)]


def test_only_whole_lengths_are_marked() -> None:
    lengths = shard_lengths(10, COUNTS)
    assert len(lengths) == 22 and (np.asarray(lengths) == 10).all()
    assert lengths.strides == (0,)
    assert shard_counts(lengths) is COUNTS
    assert shard_counts(lengths[2:]) is None and shard_counts(lengths + 1) is None
    both = joined_lengths([lengths, lengths])
    counts = shard_counts(both)
    assert counts is not None and counts.tolist() == [*COUNTS, *COUNTS]
    mixed = joined_lengths([lengths, np.array([5])])
    assert shard_counts(mixed) is None and mixed.tolist() == [10] * 22 + [5]
