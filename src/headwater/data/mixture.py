"""Several tasks in one run: which one each example is of is drawn by their rates.

An epoch is a number of draws. Draw n of the run chooses a task by a hash of (seed, n); the k-th
draw of a task takes example k mod e of its k div e-th shuffle, so that none comes again before all
have come. With rates 0.75 and 0.25 over tasks of 3 and 2 examples an epoch of 5 may be

    draw           0  1  2  3  4
    task           a  a  b  a  a
    its example    2  0  1  1  0      the last one from the second shuffle of a

All of it follows from (seed, epoch), so a mixture continues to the bit like a task alone. A task
may be an objective over unlabelled text: it draws new noise for each of its shuffles.
"""

from collections.abc import Sequence
from typing import final

import numpy as np

from headwater.data import order
from headwater.data.convert import Features, FeatureSet, all_pairs, digest, made_by_group
from headwater.data.rates import Rates
from headwater.data.token_arrays import Longs


@final
class Mixture:
    """Draws the sequences of every epoch anew.

    Args:
        sets: the sequences of each task; all give the same features.
        rates: float64 [tasks], adding up to one.
        size: the draws of an epoch.
        apart: whether each batch holds one task alone, as a model with a head for each asks.

    A sequence's features gain `task`, the number of its task.
    """

    def __init__(
        self, sets: Sequence[FeatureSet], rates: Rates, size: int, seed: int, *, apart: bool
    ) -> None:
        assert len(sets) == len(rates) and size > 0
        self.sets, self.size, self.seed, self.apart = tuple(sets), size, seed, apart
        self._bounds = np.cumsum(rates)[:-1]
        self._drawn = [np.zeros(len(sets), np.int64)]  # of each task before each epoch
        names = [each.fingerprint for each in sets]
        self.fingerprint = digest(names, rates.tolist(), size, seed, apart)

    def __len__(self) -> int:
        return self.size

    def draw(self, epoch: int) -> "Draws":
        """Return the sequences of an epoch."""
        task = self._tasks(epoch)
        before = self._before(epoch)
        index, reading = np.empty_like(task), np.empty_like(task)
        for number, each in enumerate(self.sets):
            chosen = np.flatnonzero(task == number)
            reading[chosen], within = np.divmod(before[number] + np.arange(len(chosen)), len(each))
            for shuffle in np.unique(reading[chosen]).tolist():
                same_shuffle = reading[chosen] == shuffle
                key = order.hash_key((self.seed, order.TASKS, number)) >> 1
                order_of_shuffle = order.permutation(key, shuffle, len(each))
                index[chosen[same_shuffle]] = order_of_shuffle[within[same_shuffle]]
        return Draws(self.sets, task, index, reading, apart=self.apart)

    def _tasks(self, epoch: int) -> Longs:
        """Choose the task of each draw, int64 [size]."""
        draws = np.arange(self.size) + epoch * self.size
        keys = order.sequence_keys((self.seed, order.TASKS), draws)
        shares = (keys >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return np.searchsorted(self._bounds, shares, side="right").astype(np.int64)

    def _before(self, epoch: int) -> Longs:
        """Count the draws of each task before an epoch, int64 [tasks]."""
        for earlier in range(len(self._drawn) - 1, epoch):
            found = np.bincount(self._tasks(earlier), minlength=len(self.sets))
            self._drawn.append(self._drawn[-1] + found)
        return self._drawn[epoch]


@final
class Draws:
    """The sequences of one epoch of a mixture, a FeatureSet; a PairSet if all its tasks are.

    Attributes:
        groups: int64 [sequences]; those of different groups share no batch. None: all may.
    """

    target_lengths: Longs  # only of pairs, by which the batcher tells them

    def __init__(
        self, sets: Sequence[FeatureSet], task: Longs, index: Longs, reading: Longs, *, apart: bool
    ) -> None:
        self._sets, self._task, self._index, self._reading = sets, task, index, reading
        self.groups = task if apart else None
        self.lengths = self._gather([each.lengths for each in sets])
        if pairs := all_pairs(sets):
            self.target_lengths = self._gather([each.target_lengths for each in pairs])

    def __len__(self) -> int:
        return len(self._task)

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        """Build the given sequences, those of one task and one shuffle together."""
        homes, groups = np.unique(
            np.stack((self._task[indices], self._reading[indices]), 1), axis=0, return_inverse=True
        )

        def make(group: int, chosen: Longs) -> list[Features]:
            task, reading = homes[group].tolist()
            number = {"task": np.array(task, np.int32)}
            found = self._sets[task].features(self._index[indices[chosen]], reading)
            return [features | number for features in found]

        return made_by_group(groups.reshape(-1), make)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what was drawn."""
        drawn = (self._task, self._index, self._reading)
        return digest([each.fingerprint for each in self._sets], [each.tobytes() for each in drawn])

    def _gather(self, lengths: Sequence[Longs]) -> Longs:
        """Gather each sequence's length from those of its task."""
        gathered = np.empty(len(self._task), np.int64)
        for number, each in enumerate(lengths):
            chosen = self._task == number
            gathered[chosen] = each[self._index[chosen]]
        return gathered
