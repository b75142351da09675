"""How often `headwater compare` calls equal systems of several runs different.

    python -m benchmarks.quality.seeds --pairs 400

Two systems are equally good at each of 872 items, as many as SST-2's dev set has. Each run is
better or worse at all items by a number that its seed draws. A test at 5% should call 5% of such
pairs different.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from headwater.evaluation.paired import difference
from headwater.metrics.items import ItemSums

ITEMS, SEED = 872, 22
CASES = ((2, 5.0), (3, 5.0), (5, 5.0), (2, 1.0), (5, 1.0))
"""Runs of each system, and the deviation of their accuracy by the seed, in points."""


def main() -> None:
    """Print the share of each case, with its standard error."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=400)
    pairs: int = parser.parse_args().pairs
    for runs, deviation in CASES:
        share = called_different(runs, deviation, pairs) / pairs
        error = (share * (1 - share) / pairs) ** 0.5
        print(f"{runs} runs, {deviation} points: {share:.1%} +- {error:.1%}")


def called_different(runs: int, deviation: float, pairs: int, items: int = ITEMS) -> int:
    """Draw pairs of equal systems, and count those that are called different."""
    generator, called = np.random.default_rng(SEED), 0
    for number in range(pairs):
        chances = generator.beta(3.5, 1.5, items)  # 70% right on average
        ours, theirs = (_system(generator, chances, runs, deviation) for _ in range(2))
        called += difference(ours, theirs, seed=number).p < 0.05
    return called


def _system(
    generator: np.random.Generator, chances: NDArray[np.float64], runs: int, deviation: float
) -> list[ItemSums]:
    """Return what each run of a system adds to accuracy, by item."""
    found, ids = [], tuple(map(str, range(len(chances))))
    for _ in range(runs):
        moved = np.clip(chances + generator.normal(0, deviation / 100), 0, 1)
        right = (generator.random(len(chances)) < moved).astype(float)
        found.append(ItemSums(ids, np.stack([right, np.ones(len(chances))], 1), _accuracy, True))
    return found


def _accuracy(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return 100 * sums[..., 0] / sums[..., 1]


if __name__ == "__main__":
    main()
