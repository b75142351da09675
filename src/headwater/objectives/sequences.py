"""How a token store becomes rows of a fixed length, and what every objective offers.

Documents are joined, a separator after each, and the stream is cut into rows of equal length; what
is left at its end is dropped. T5, GPT and RoBERTa ("full-sentences", Liu et al. 2019, section 4.2)
read their corpora so, and no place of a batch is padding. Documents [5 6 7] and [8 9] with the
separator 1 and rows of 3:

    5 6 7 | 1 8 9        (the last separator begins a row that is not full)

An objective is a FeatureSet: it turns row numbers and an epoch into features, a whole batch in one
call, from nothing but its store, its vocabulary and its seed.
"""

from typing import Protocol, final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from headwater.data.token_arrays import Ints
from headwater.errors import UserError

Longs = NDArray[np.int64]


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
class Chunks:
    """Rows of `length` tokens out of the joined documents.

    Raises:
        UserError: the store does not fill one row.
    """

    def __init__(self, store: Store, length: int, separator: int) -> None:
        self._tokens = np.asarray(store.tokens)
        self._separator = separator
        bounds = np.unique(store.documents)  # an empty document would be a separator and no text
        self._separators = bounds[1:] + np.arange(len(bounds) - 1)
        self.length = length
        # Every stretch of so many tokens, as views: a row without a separator is one of them.
        self._windows = sliding_window_view(self._tokens, min(length, len(self._tokens)))
        joined = int(self._separators[-1]) + 1 if len(bounds) > 1 else 0
        self._count = joined // length
        if not self._count:
            raise UserError(
                f"the corpus holds {joined} tokens, fewer than one row of {length}; "
                "give more text or a shorter length"
            )

    def __len__(self) -> int:
        return self._count

    def chunk(self, rows: Longs) -> Ints:
        """Return the rows' tokens, int32 [rows, length]."""
        begins = rows * self.length
        earlier, until = np.searchsorted(self._separators, (begins, begins + self.length))
        first = begins - earlier  # among the tokens, which have no separators
        if np.array_equal(earlier, until):
            whole_rows: Ints = self._windows[first].astype(np.int32)
            return whole_rows
        result = np.empty((len(rows), self.length), np.int32)
        whole = earlier == until
        if whole.any():
            result[whole] = self._windows[first[whole]]
        parted = np.flatnonzero(~whole)
        result[parted] = self._parted(begins[parted], earlier[parted], until[parted])
        return result

    def _parted(self, begins: Longs, earlier: Longs, until: Longs) -> Ints:
        """Return rows with separators `earlier` to `until - 1` in them."""
        counts = until - earlier
        which = np.repeat(np.arange(len(begins)), counts)
        number = np.arange(len(which)) - (np.cumsum(counts) - counts)[which]
        places = self._separators[earlier[which] + number] - begins[which]
        # A separator stands where the next token would: that one is read again at the next place.
        steps = np.ones((len(begins), self.length + 1), np.int64)
        steps[:, 0] = begins - earlier
        steps[which, places + 1] = 0
        source = np.cumsum(steps, axis=1)[:, :-1]
        result = np.take(self._tokens, source, mode="clip").astype(np.int32)
        result[which, places] = self._separator
        return result


def constant(value: int, rows: int) -> Longs:
    """Return int64 [rows] of one value, read-only and without the memory of so many."""
    return np.broadcast_to(np.int64(value), rows)
