"""Packing: several texts in one row, each as if it stood alone.

Rows of running text run across documents. Packed rows do not: a document is cut into parts that
fit a row, each part is an example of the objective by itself (its own noise, its own sentinels
from the first on, its own end token), and parts share a row as long as there is room. `blocks`
says which places belong together: attention stays inside a block, and positions begin again in
each (`nn/masks.py`; Raffel et al. 2020, section 3.1.2, "we pack multiple sequences into each
entry"). Parts of 4, 2 and 2 tokens with room for 6:

    input_ids   a a a a b b        c c
    blocks      1 1 1 1 2 2        1 1        0 on padding

Rows are planned once, from the lengths alone: best fit, the longest first (Johnson 1973), over
the counts of each length rather than over the parts (Krell et al. 2021, "Efficient Sequence
Packing without Cross-contamination", section 3), so that it takes little longer for a large corpus.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import final

import numpy as np

from headwater.data.convert import Features, made_by_group
from headwater.data.token_arrays import Ints
from headwater.errors import UserError
from headwater.objectives.sequences import Longs, Store

Make = Callable[[Ints, Longs, int], list[Features]]
"""From texts of one length, int32 [parts, length], their numbers and the epoch to features."""


@final
class Packing:
    """The documents of a store as rows of parts.

    A part's length decides the lengths of what is made of it, before anything is drawn.

    Args:
        inputs: int64 [longest part + 1], how many input tokens a part of so many tokens becomes.
        room: the most input tokens of a row.
        least: parts of fewer tokens, such as the last token of a document, are left out.
        ending: the token that belongs to the text after each document, or None.

    Attributes:
        lengths: int64 [rows], the input tokens of each row.

    Raises:
        UserError: no document is long enough.
    """

    def __init__(
        self,
        store: Store,
        *,
        inputs: Longs,
        room: int,
        least: int,
        ending: int | None = None,
    ) -> None:
        assert inputs.max() <= room
        self._tokens = np.asarray(store.tokens)
        self._ending = ending
        self._starts, self._sizes, self._ends = _cut(
            np.unique(store.documents), len(inputs) - 1, least, ending is not None
        )
        if not len(self._sizes):
            raise UserError(
                f"no document has {least} tokens; give longer documents, or set packing = false"
            )
        row = fit(inputs[self._sizes], room)
        self._order = np.argsort(row, kind="stable")  # parts by row, in reading order
        self._bounds = np.concatenate(([0], np.cumsum(np.bincount(row))))
        self.lengths = self.sums(inputs)

    def __len__(self) -> int:
        return len(self.lengths)

    def sums(self, lengths: Longs) -> Longs:
        """Add up what the parts of each row become, int64 [rows]; `lengths` as `inputs`."""
        sums: Longs = np.add.reduceat(lengths[self._sizes[self._order]], self._bounds[:-1])
        return sums

    def features(
        self, rows: Longs, epoch: int, make: Make, *, pairs: bool = False
    ) -> list[Features]:
        """Make the parts of the given rows, those of one length together, and `join` them."""
        counts = self._bounds[rows + 1] - self._bounds[rows]
        bounds = np.concatenate(([0], np.cumsum(counts)))
        parts = self._order[
            np.arange(bounds[-1]) + np.repeat(self._bounds[rows] - bounds[:-1], counts)
        ]

        def of_size(size: int, places: Longs) -> list[Features]:
            return make(self._text(parts[places], size), parts[places], epoch)

        made = made_by_group(self._sizes[parts], of_size)
        return [join(made[begin:end], pairs) for begin, end in pairwise(bounds.tolist())]

    def _text(self, parts: Longs, size: int) -> Ints:
        """Return the tokens of parts of one size, int32 [parts, size]."""
        places = self._starts[parts, None] + np.arange(size)
        text = np.take(self._tokens, places, mode="clip").astype(np.int32)
        if self._ending is not None:
            text[self._ends[parts], -1] = self._ending
        return text


def fit(sizes: Longs, room: int) -> Longs:
    """Return the row of each part, int64 [parts]: the fullest that takes it, the longest first.

    Args:
        sizes: int64 [parts], from 1 to `room`.
        room: of a row.
    """
    row = np.empty(len(sizes), np.int64)
    open_sequences = _OpenSequences()
    count = 0
    order = np.argsort(-sizes, kind="stable")
    ends = np.flatnonzero(np.diff(sizes[order], append=0)) + 1
    for begin, end in pairwise([0, *ends.tolist()]):
        parts, size = order[begin:end], int(sizes[order[begin]])
        while len(parts):
            left, rows = open_sequences.fullest(size)
            if not len(rows):
                left, new = room, -(-len(parts) // (room // size))
                rows = np.arange(count, count + new)
                count += new
            each = left // size
            used = -(-min(len(parts), len(rows) * each) // each)
            taken = np.repeat(rows[:used], each)[: len(parts)]
            row[parts[: len(taken)]] = taken
            parts = parts[len(taken) :]
            last = len(taken) - each * (used - 1)  # the last row may have got fewer
            open_sequences.keep(left - each * size, rows[: used - 1])
            open_sequences.keep(left - last * size, rows[used - 1 : used])
            open_sequences.keep(left, rows[used:])
    return row


class _OpenSequences:
    """Rows that are begun, by the room that is left in them."""

    def __init__(self) -> None:
        self._rows: dict[int, Longs] = {}
        self._lefts: list[int] = []  # its keys, in order

    def fullest(self, size: int) -> tuple[int, Longs]:
        """Take out the rows with the least room that takes `size`; there may be none."""
        place = bisect_left(self._lefts, size)
        if place == len(self._lefts):
            return 0, np.empty(0, np.int64)
        left = self._lefts.pop(place)
        return left, self._rows.pop(left)

    def keep(self, left: int, rows: Longs) -> None:
        """Put in rows with so much room left; full ones are done."""
        if not left or not len(rows):
            return
        if left in self._rows:
            rows = np.concatenate((self._rows[left], rows))
        else:
            insort(self._lefts, left)
        self._rows[left] = rows


def join(examples: Sequence[Features], pairs: bool) -> Features:
    """Put examples into one row: sequences after one another, and for each place its block.

    Blocks count from 1. A number of an example is repeated at its places. With `pairs` the labels
    are a text of their own, with `label_blocks`.
    """
    sizes = [len(example["input_ids"]) for example in examples]
    numbers = np.arange(1, len(examples) + 1, dtype=np.int32)
    row: Features = {"blocks": np.repeat(numbers, sizes)}
    if pairs:
        row["label_blocks"] = np.repeat(numbers, [len(example["labels"]) for example in examples])
    for name, first in examples[0].items():
        values = [example[name] for example in examples]
        row[name] = np.concatenate(values) if np.ndim(first) else np.repeat(values, sizes)
    return row


def _cut(
    bounds: Longs, longest: int, least: int, ended: bool
) -> tuple[Longs, Longs, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Cut documents into parts of `longest` tokens, the last one shorter.

    Return where each part starts among the tokens, its size, and whether its last token is the
    one that ends a document.
    """
    sizes = np.diff(bounds) + int(ended)
    counts = -(-sizes // longest)
    document = np.repeat(np.arange(len(sizes)), counts)
    number = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
    offsets = number * longest
    lengths = np.minimum(longest, sizes[document] - offsets)
    ends = ended & (number == counts[document] - 1)
    kept = lengths >= least
    return (bounds[document] + offsets)[kept], lengths[kept], ends[kept]
