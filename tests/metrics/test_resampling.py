"""Intervals and tests say what they promise, on pairs of systems whose truth is known."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import binomtest

from headwater.metrics.resampling import (
    POWERED,
    bootstrap,
    exchanged,
    holm,
    interval,
    mcnemar,
    share_as_large,
)

PAIRS, ITEMS = 2000, 2000


def right_or_wrong(rng: np.random.Generator, ours: float, theirs: float) -> np.ndarray:
    """Return `[items, 2]`: which items two systems of given accuracy get right, independently."""
    return (rng.random((ITEMS, 2)) < (ours, theirs)).astype(np.float64)


def test_of_equal_systems_one_pair_in_twenty_is_called_different() -> None:
    """2,000 pairs with the same true accuracy and independent errors, 2,000 items each."""
    rng = np.random.default_rng(22)
    called = {"bootstrap": 0, "randomization": 0, "mcnemar": 0}
    for _ in range(PAIRS):
        right = right_or_wrong(rng, 0.7, 0.7)
        ours, theirs = right[:, :1], right[:, 1:]
        seed = int(rng.integers(2**32))
        low, high = interval(np.diff(bootstrap(right, seed=seed)))
        called["bootstrap"] += low > 0 or high < 0
        found = float((ours - theirs).sum())
        chance = np.subtract(*exchanged(ours, theirs, seed=seed))
        called["randomization"] += share_as_large(found, chance) < 0.05
        only = [int((right == pattern).all(1).sum()) for pattern in ((1, 0), (0, 1))]
        called["mcnemar"] += mcnemar(*only) < 0.05
    shares = {name: count / PAIRS for name, count in called.items()}
    assert 0.035 <= shares["bootstrap"] <= 0.065, shares
    assert 0.035 <= shares["randomization"] <= 0.065, shares
    assert shares["mcnemar"] <= 0.065, shares


def test_the_smallest_difference_is_found_in_four_of_five() -> None:
    rng, pairs = np.random.default_rng(23), 500
    error = sqrt(2 * 0.7 * 0.3 / ITEMS)  # of a difference of two independent shares
    apart, found = POWERED * error, 0
    for _ in range(pairs):
        right = right_or_wrong(rng, 0.7 + apart / 2, 0.7 - apart / 2)
        low, _ = interval(-np.diff(bootstrap(right, 2000, int(rng.integers(2**32)))))
        found += low > 0
    assert 0.74 <= found / pairs <= 0.86


def test_items_are_drawn_with_replacement() -> None:
    """Means and variances of the resampled sums are those of the theory."""
    sums = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 1.0], [4.0, 1.0]] * 25)
    drawn = bootstrap(sums, 20_000)
    assert (drawn[:, 1] == 100).all()
    assert drawn[:, 0].mean() == pytest.approx(150, rel=0.01)
    assert drawn[:, 0].var() == pytest.approx(100 * sums[:, 0].var(), rel=0.05)


def test_an_exchange_keeps_what_both_have_together() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((50, 2)), rng.random((50, 2))
    left, right = exchanged(ours, theirs, 5000)
    assert left + right == pytest.approx(np.tile(ours.sum(0) + theirs.sum(0), (5000, 1)))
    expected = ((ours - theirs) ** 2).sum(0)
    assert (left - right).var(0) == pytest.approx(expected, rel=0.1)


def test_a_seed_draws_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = np.arange(20.0).reshape(10, 2)
    whole = bootstrap(sums, 100, seed=3)
    monkeypatch.setattr("headwater.metrics.resampling._ENTRIES", 70)
    assert (bootstrap(sums, 100, seed=3) == whole).all()
    assert (bootstrap(sums, 100, seed=4) != whole).any()


@pytest.mark.parametrize("pair", [(0, 0), (1, 0), (3, 9), (20, 20), (700, 800), (2000, 1800)])
def test_mcnemar_is_the_binomial_test(pair: tuple[int, int]) -> None:
    items = sum(pair)
    expected = binomtest(pair[0], items).pvalue if items else 1.0
    assert mcnemar(*pair) == pytest.approx(expected, rel=1e-9)


def test_holm_is_that_of_the_paper() -> None:
    """Holm's p values, worked out by hand: times 4, 3, 2, 1 in their order, never falling."""
    assert holm([0.01, 0.03, 0.04, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_p_of_randomization_counts_the_difference_that_was_found() -> None:
    """So that p is never 0 (Phipson and Smyth 2010)."""
    assert share_as_large(5.0, np.zeros(99)) == 0.01
    assert share_as_large(5.0, np.array([5.0, -5.0, 4.0])) == 3 / 4
