"""How sure a score and a difference of two scores are: a test set is a sample of items.

Bootstrap (Efron 1979; for tests of text, Koehn 2004): as many items are drawn again with
replacement, 10,000 times, and the middle 95% of the scores are the interval. Approximate
randomization (Noreen 1989; Yeh 2000): where two systems are alike, each item's two predictions may
be exchanged; p is the share of exchanges with a difference as large. McNemar's exact test (1947):
of the items that one system alone gets right, each is as likely to have them. Holm (1979): p values
of several tests, so that one of them is wrong in 5% of cases at most.

Equal items are drawn together, as a multinomial or binomial number of them: the same distribution
in less time. All is a function of the seed.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from headwater.metrics.totals import Array

RESAMPLES = 10_000
LEVEL = 0.05
POWERED = 1.959964 + 0.841621
"""Standard errors of a difference that a test at 5% finds in 80% of cases (Cohen 1988)."""

_ENTRIES = 2**22  # random numbers that are in memory at once


def bootstrap(sums: Array, resamples: int = RESAMPLES, seed: int = 0) -> Array:
    """Return the sums `[resamples, columns]` of items drawn again from sums `[items, columns]`."""
    generator = np.random.default_rng(seed)
    rows, counts = np.unique(sums, axis=0, return_counts=True)
    chances, items = counts / len(sums), len(sums)
    parts = [
        generator.multinomial(items, chances, size) @ rows for size in _parts(resamples, len(rows))
    ]
    return np.concatenate(parts)


def exchanged(
    ours: Array, theirs: Array, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Array, Array]:
    """Return the sums `[resamples, columns]` of both after exchanging the items of a random half.

    ours, theirs: sums `[items, columns]` of the same items.
    """
    generator = np.random.default_rng(seed)
    rows, counts = np.unique(theirs - ours, axis=0, return_counts=True)
    parts = [
        generator.binomial(counts, 0.5, (size, len(rows))) @ rows
        for size in _parts(resamples, len(rows))
    ]
    moved = np.concatenate(parts)
    return ours.sum(0) + moved, theirs.sum(0) - moved


def interval(values: Array) -> tuple[float, float]:
    """Return the middle 95% of resampled scores."""
    low, high = np.quantile(values, (LEVEL / 2, 1 - LEVEL / 2))
    return float(low), float(high)


def shown_in_four_of_five(differences: Array) -> float:
    """Return the true difference that a test at 5% finds in 80% of cases, of resampled ones.

    Of normal ones that is `POWERED` standard errors; a few runs have longer tails.
    """
    low, less, more, high = np.quantile(differences, (LEVEL / 2, 0.2, 0.8, 1 - LEVEL / 2))
    return float(high - low + more - less) / 2


def share_as_large(found: float, under_chance: Array) -> float:
    """Return p: the share of differences by chance as large as the one found, itself included."""
    close = 1e-9 * max(1.0, abs(found))  # sums in another order differ in the last bits
    large = int((np.abs(under_chance) >= abs(found) - close).sum())
    return (large + 1) / (len(under_chance) + 1)


def beyond_zero(resampled: Array) -> float:
    """Return p of a resampled difference: twice the share on the rarer side of 0, 0 included."""
    rarer = min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(resampled) + 1))


def least_p(items: int) -> float:
    """Return the smallest p that so many items can give whose predictions may be exchanged."""
    return min(1.0, 2.0 ** (1 - items))


def mcnemar(only_ours: int, only_theirs: int) -> float:
    """Return p of the exact test, from how many items one system alone gets right."""
    items, fewer = only_ours + only_theirs, min(only_ours, only_theirs)
    drawn = np.arange(1, fewer + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log((items - drawn + 1) / drawn))])
    return min(1.0, 2 * float(np.exp(ways - items * np.log(2)).sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values that hold for all tests together, in the order given.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, least = list(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = least
    return adjusted


def _parts(resamples: int, columns: int) -> Iterator[int]:
    """Cut resamples into parts whose random numbers fit into memory."""
    most = max(1, _ENTRIES // columns)
    for begin in range(0, resamples, most):
        yield min(most, resamples - begin)
