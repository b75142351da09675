"""How a token store becomes sequences of one length, and what every objective offers.

Documents are joined, a separator after each, and the stream is cut into sequences of equal length;
what is left at its end is dropped. T5, GPT and RoBERTa ("full-sentences", Liu et al. 2019, section
4.2) read their corpora so, and no position of a batch is padding. Documents [5 6 7] and [8 9] with
the separator 1 and sequences of 3:

    5 6 7 | 1 8 9        (the last separator begins a sequence that is not full)

An objective is a FeatureSet: it turns indices and an epoch into features, a whole batch in one
call, from nothing but its store, its vocabulary and its seed. Several stores in one run are
concatenated. Stores of 3 and 2 sequences, the second read twice per epoch:

    sequence              0 1 2   3 4   5 6
    store                 0 0 0   1 1   1 1
    sequence of the store 0 1 2   0 1   0 1      the last two have other noise than the two before
"""

from collections.abc import Callable, Sequence
from typing import Protocol, final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from headwater.data import order
from headwater.data.convert import Features, FeatureSet, all_pairs, digest, made_by_group
from headwater.data.shard_order import joined_lengths
from headwater.data.token_arrays import Ints, Longs
from headwater.errors import UserError

Make = Callable[[Ints, Longs, int], list[Features]]
"""From texts of one length, int32 [texts, length], their numbers and the epoch to features."""


class Store(Protocol):
    """The part of a token store that objectives read; arrays may be memory-mapped."""

    @property
    def tokens(self) -> NDArray[np.integer]:
        """Unsigned or signed integers [tokens]: the tokens of all documents."""
        ...

    @property
    def documents(self) -> Longs:
        """int64 [documents + 1]: document i is `tokens[documents[i]:documents[i + 1]]`."""
        ...

    @property
    def sentences(self) -> Longs:
        """int64 [sentences + 1]: the same for sentences; document bounds are among them."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest of all of it."""
        ...


@final
class RunningText:
    """Sequences of `length` tokens out of the joined documents; the store must fill one."""

    def __init__(self, store: Store, length: int, separator: int) -> None:
        self._tokens = np.asarray(store.tokens)
        self._separator = separator
        bounds = np.unique(store.documents)  # an empty document would be a separator and no text
        self._separators = bounds[1:] + np.arange(len(bounds) - 1)
        self.length = length
        # Every run of so many tokens, as views: a sequence without a separator is one of them.
        self._windows = sliding_window_view(self._tokens, min(length, len(self._tokens)))
        joined = int(self._separators[-1]) + 1 if len(bounds) > 1 else 0
        self._count = joined // length
        if not self._count:
            raise UserError(
                f"the corpus holds {joined} tokens, fewer than one sequence of {length}; "
                "give more text or a shorter length"
            )

    def __len__(self) -> int:
        return self._count

    def features(self, indices: Longs, epoch: int, make: Make) -> list[Features]:
        """Make the features of some sequences."""
        return make(self.texts(indices), indices, epoch)

    def texts(self, indices: Longs) -> Ints:
        """Return the tokens of some sequences, int32 [sequences, length]."""
        begins = indices * self.length
        earlier, until = np.searchsorted(self._separators, (begins, begins + self.length))
        first = begins - earlier  # among the tokens, which have no separators
        if np.array_equal(earlier, until):
            unbroken: Ints = self._windows[first].astype(np.int32)
            return unbroken
        result = np.empty((len(indices), self.length), np.int32)
        whole = earlier == until
        if whole.any():
            result[whole] = self._windows[first[whole]]
        broken = np.flatnonzero(~whole)
        result[broken] = self._with_separators(begins[broken], earlier[broken], until[broken])
        return result

    def _with_separators(self, begins: Longs, earlier: Longs, until: Longs) -> Ints:
        """Return sequences with separators `earlier` to `until - 1` in them."""
        counts = until - earlier
        which = np.repeat(np.arange(len(begins)), counts)
        number = np.arange(len(which)) - (np.cumsum(counts) - counts)[which]
        positions = self._separators[earlier[which] + number] - begins[which]
        # A separator takes the position of the next token, which is read again at the next one.
        steps = np.ones((len(begins), self.length + 1), np.int64)
        steps[:, 0] = begins - earlier
        steps[which, positions + 1] = 0
        source = np.cumsum(steps, axis=1)[:, :-1]
        result = np.take(self._tokens, source, mode="clip").astype(np.int32)
        result[which, positions] = self._separator
        return result


def constant(value: int, sequences: int) -> Longs:
    """Return int64 [sequences] of one value, read-only, in the memory of one."""
    return np.broadcast_to(np.int64(value), sequences)


@final
class ConcatenatedStores:
    """The sequences of several sets after one another, a FeatureSet; a PairSet if all of them are.

    A corpus may be read more than once per epoch (Raffel et al. 2020, section 3.4.2; Brown et al.
    2020, table 2.2).

    Args:
        sets: at least one; all give the same features.
        repeats: how often each is read per epoch. Each reading has the noise of the next epoch of
            its own set.
    """

    target_lengths: Longs  # only of pairs, by which the batcher recognizes them

    def __init__(self, sets: Sequence[FeatureSet], repeats: Sequence[int]) -> None:
        readings = [(store, time) for store, n in enumerate(repeats) for time in range(n)]
        self._sets = sets
        self._readings = readings
        self._repeats = repeats
        self._bounds = np.cumsum([0, *(len(sets[store]) for store, _ in readings)])
        self.lengths = joined_lengths([sets[store].lengths for store, _ in readings])
        if pairs := all_pairs(sets):
            self.target_lengths = joined_lengths(
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
