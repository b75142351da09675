"""Several corpora in one run: the sequences of an epoch are the sequences of all of them.

A corpus may be read more than once an epoch (Raffel et al. 2020, section 3.4.2, and Brown et al.
2020, table 2.2, weigh theirs so). Stores of 3 and 2 sequences, the second read twice:

    sequence      0 1 2   3 4   5 6
    store    0 0 0   1 1   1 1
    its sequence  0 1 2   0 1   0 1        the last two under other noise than the two before them

Which store a sequence is of, which sequence of it and under what noise follow from (epoch,
sequence) alone, so a mixture continues to the bit as one store does.
"""

from collections.abc import Sequence
from typing import final

import numpy as np

from headwater.data import order
from headwater.data.convert import Features, FeatureSet, all_pairs, digest, made_by_group
from headwater.objectives.sequences import Longs


@final
class ConcatenatedStores:
    """The sequences of several sets after one another, a FeatureSet; a PairSet if all of them are.

    Args:
        sets: at least one; all give the same features.
        repeats: how often each is read per epoch. The noise of every reading is that of an epoch
            of the set by itself, of which a reading takes one after another.
    """

    target_lengths: Longs  # only of pairs, by which the batcher tells them

    def __init__(self, sets: Sequence[FeatureSet], repeats: Sequence[int]) -> None:
        readings = [(store, time) for store, n in enumerate(repeats) for time in range(n)]
        self._sets = sets
        self._readings = readings
        self._repeats = repeats
        self._bounds = np.cumsum([0, *(len(sets[store]) for store, _ in readings)])
        self.lengths = np.concatenate([sets[store].lengths for store, _ in readings])
        if pairs := all_pairs(sets):
            self.target_lengths = np.concatenate(
                [pairs[store].target_lengths for store, _ in readings]
            )
        self.fingerprint = digest([each.fingerprint for each in sets], list(repeats))

    def __len__(self) -> int:
        return int(self._bounds[-1])

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        """Build the given sequences of an epoch, those of one reading together."""
        readings = np.searchsorted(self._bounds, indices, side="right") - 1

        def make(reading: int, chosen: Longs) -> list[Features]:
            store, time = self._readings[reading]
            own = indices[chosen] - self._bounds[reading]
            return self._sets[store].features(own, epoch * self._repeats[store] + time)

        return made_by_group(readings, make)


def store_seed(seed: int, store: int) -> int:
    """Return the seed of a store's noise; the first one's is the run's own."""
    return order.hash_key((seed, order.STORES, store)) >> 1 if store else seed
