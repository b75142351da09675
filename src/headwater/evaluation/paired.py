"""Whether two systems differ on one metric, from what each item adds to the scores of both.

With one run each, right-or-wrong scores are tested by McNemar's exact test, all others by
approximate randomization. With several runs (seeds) of a system its score is their mean. Items are
drawn again, and to each resample comes what other seeds would give: the spread of the runs, the
same in both systems, times Student's t of as many degrees of freedom as it was estimated with. So
few runs give wide intervals. Errors that a run alone makes count among items and among seeds:
intervals are rather too wide than too narrow. p is never below what exchanging the items that
differ could give: few items prove nothing. See `metrics.resampling`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from headwater.metrics.items import ItemSums
from headwater.metrics.resampling import (
    LEVEL,
    RESAMPLES,
    beyond_zero,
    bootstrap,
    exchanged,
    interval,
    least_p,
    mcnemar,
    share_as_large,
    shown_in_four_of_five,
)
from headwater.metrics.totals import Array

Interval = tuple[float, float]
Test = Literal["mcnemar", "randomization", "bootstrap"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two systems on one metric, in percent, with 95% intervals.

    difference: ours minus theirs.
    p: of `test`, as if this were the only one made.
    smallest: the difference that this test set shows in 80% of cases, at 5%; None where that is
        not known: with fewer than six items, or where the resampled differences are all equal.
    """

    ours: float
    theirs: float
    difference: float
    ours_interval: Interval
    theirs_interval: Interval
    interval: Interval
    p: float
    test: Test
    smallest: float | None


def difference(ours: Sequence[ItemSums], theirs: Sequence[ItemSums], seed: int = 0) -> Difference:
    """Compare two systems on one metric over the same items.

    Args:
        ours, theirs: the items of each run of a system.
    """
    score, runs = ours[0].score, [each.sums for each in (*ours, *theirs)]
    columns = runs[0].shape[1]
    drawn = bootstrap(np.concatenate(runs, 1), RESAMPLES, seed).reshape(RESAMPLES, -1, columns)
    by_run = score(drawn)
    sides = [np.array([score(each.sums.sum(0)) for each in side]) for side in (ours, theirs)]
    left, right = by_run[:, : len(ours)].mean(1), by_run[:, len(ours) :].mean(1)
    if len(runs) > 2:
        left, right = (
            mean + other for mean, other in zip((left, right), _of_seeds(sides, seed), strict=True)
        )
    mean, other = (float(side.mean()) for side in sides)
    p, test = _tested(ours, theirs, left - right, seed)
    return Difference(
        ours=mean,
        theirs=other,
        difference=mean - other,
        ours_interval=interval(left),
        theirs_interval=interval(right),
        interval=interval(left - right),
        p=p,
        test=test,
        smallest=_smallest(ours, theirs, left - right),
    )


def changes(ours: Sequence[ItemSums], theirs: Sequence[ItemSums]) -> Array:
    """Return by how much each item `[items]` lifts the score of theirs if it were ours.

    Of a mean this is an item's own difference, divided by the number of items. Of several runs
    the mean of what an item adds is taken.
    """
    left, right = _mean_sums(ours), _mean_sums(theirs)
    total, score = right.sum(0), ours[0].score
    found = score(total + left - right) - score(total)
    return np.where((left == right).all(1), 0.0, found)


def _mean_sums(side: Sequence[ItemSums]) -> Array:
    """Return what each item adds, `[items, columns]`, in the mean of a system's runs."""
    found: Array = np.mean([each.sums for each in side], 0)
    return found


def _of_seeds(sides: Sequence[Array], seed: int) -> tuple[Array, Array]:
    """Return by how much other seeds would move the mean of each side: `[resamples]` each.

    sides: the scores of each side's runs. Both moves share one estimate of the spread, and so the
    chi-square number that makes Student's t of a normal one.
    """
    freedom = sum(len(side) - 1 for side in sides)
    spread = (sum(float(((side - side.mean()) ** 2).sum()) for side in sides) / freedom) ** 0.5
    generator = np.random.default_rng([seed, 1])
    scale = spread * np.sqrt(freedom / generator.chisquare(freedom, RESAMPLES))
    left, right = generator.standard_normal((2, RESAMPLES))
    return scale * left / len(sides[0]) ** 0.5, scale * right / len(sides[1]) ** 0.5


def _smallest(
    ours: Sequence[ItemSums], theirs: Sequence[ItemSums], resampled: Array
) -> float | None:
    """Return the smallest difference that is shown; of a score of right or wrong six items' worth.

    McNemar's test needs as many: five that one system alone gets right have p 0.06.
    """
    items = len(ours[0].sums)
    if least_p(items) >= LEVEL:
        return None
    found = shown_in_four_of_five(resampled)
    if len(ours) == len(theirs) == 1 and ours[0].right_or_wrong:
        fewest = next(count for count in range(1, items + 1) if least_p(count) < LEVEL)
        return max(found, 100 * fewest / items)
    return found or None


def _tested(
    ours: Sequence[ItemSums], theirs: Sequence[ItemSums], resampled: Array, seed: int
) -> tuple[float, Test]:
    if len(ours) > 1 or len(theirs) > 1:
        moved = int((_mean_sums(ours) != _mean_sums(theirs)).any(1).sum())
        return max(beyond_zero(resampled), least_p(moved)), "bootstrap"
    (left,), (right,) = ours, theirs
    if left.right_or_wrong:
        apart = left.sums[:, 0] - right.sums[:, 0]
        return mcnemar(int((apart > 0).sum()), int((apart < 0).sum())), "mcnemar"
    by_chance = np.subtract(*map(left.score, exchanged(left.sums, right.sums, seed=seed)))
    found = float(left.score(left.sums.sum(0)) - left.score(right.sums.sum(0)))
    return share_as_large(found, by_chance), "randomization"
