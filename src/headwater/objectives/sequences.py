"""How a token store becomes sequences of one length, and what every objective offers.

Documents are joined, a separator after each, and the stream is cut into sequences of equal length;
what is left at its end is dropped. T5, GPT and RoBERTa ("full-sentences", Liu et al. 2019, section
4.2) read their corpora so, and no position of a batch is padding. Documents [5 6 7] and [8 9] with
the separator 1 and sequences of 3:

    5 6 7 | 1 8 9        (the last separator begins a sequence that is not full)

An objective is a FeatureSet: it turns indices and an epoch into features, a whole batch in one
call, from nothing but its store, its vocabulary and its seed.
"""

from collections.abc import Callable
from typing import Protocol, final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from headwater.data.convert import Features
from headwater.data.token_arrays import Ints
from headwater.errors import UserError

Longs = NDArray[np.int64]
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
    """Return int64 [sequences] of one value, read-only and without the memory of so many."""
    return np.broadcast_to(np.int64(value), sequences)
