"""Packing: several texts in one sequence that cannot see each other.

Sequences of running text run across documents. Packed sequences do not: a document is cut into
texts that fit a sequence, each text is an example of the objective by itself (its own noise, its
own sentinels from the first on, its own end token), and texts share a sequence as long as there is
room. `blocks` says which positions belong together: attention stays inside a block, and positions
begin again in each (`nn/attention.py`; Raffel et al. 2020, section 3.1.2, "we pack multiple
sequences into each entry"). Texts of 4, 2 and 2 tokens with room for 6:

    input_ids   a a a a b b        c c
    blocks      1 1 1 1 2 2        1 1        0 on padding

Sequences are planned once, from the lengths alone: best fit, the longest first (Johnson 1973), over
the counts of each length rather than over the texts (Krell et al. 2021, "Efficient Sequence
Packing without Cross-contamination", section 3), so that it takes little longer for a large corpus.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import numpy as np

from headwater.data.convert import Features, made_by_group
from headwater.data.token_arrays import Ints, Longs
from headwater.errors import UserError
from headwater.objectives.sequences import Make, Store


@final
class Packing:
    """The documents of a store as sequences of texts.

    The lengths of a text's features depend only on its own length, not on its noise.

    Args:
        inputs: int64 [longest text + 1], the input tokens of a text by its number of tokens.
        room: the most input tokens of a sequence.
        least: shorter texts, such as the last token of a document, are dropped.
        ending: the token that belongs to the text after each document, or None.
        pairs: whether the labels are a text of their own.

    Attributes:
        lengths: int64 [sequences], the input tokens of each sequence.
    """

    def __init__(
        self,
        store: Store,
        *,
        inputs: Longs,
        room: int,
        least: int,
        ending: int | None = None,
        pairs: bool = False,
    ) -> None:
        assert inputs.max() <= room
        self._tokens = np.asarray(store.tokens)
        self._ending, self._pairs = ending, pairs
        self._starts, self._sizes, self._ends = _cut(
            np.unique(store.documents), len(inputs) - 1, least, ending is not None
        )
        if not len(self._sizes):
            raise UserError(
                f"no document has {least} tokens; give longer documents, or set packing = false"
            )
        sequence = fit(inputs[self._sizes], room)
        self._order = np.argsort(sequence, kind="stable")  # texts by sequence, in reading order
        self._bounds = np.concatenate(([0], np.cumsum(np.bincount(sequence))))
        self.lengths = self.sums(inputs)

    def __len__(self) -> int:
        return len(self.lengths)

    def sums(self, lengths: Longs) -> Longs:
        """Add up the lengths of each sequence's texts, int64 [sequences]; `lengths` as `inputs`."""
        sums: Longs = np.add.reduceat(lengths[self._sizes[self._order]], self._bounds[:-1])
        return sums

    def features(self, indices: Longs, epoch: int, make: Make) -> list[Features]:
        """Make the texts of the given sequences, those of one length together, and `join` them."""
        counts = self._bounds[indices + 1] - self._bounds[indices]
        bounds = np.concatenate(([0], np.cumsum(counts)))
        texts = self._order[
            np.arange(bounds[-1]) + np.repeat(self._bounds[indices] - bounds[:-1], counts)
        ]

        def of_size(size: int, chosen: Longs) -> list[Features]:
            return make(self._texts(texts[chosen], size), texts[chosen], epoch)

        made = made_by_group(self._sizes[texts], of_size)
        return [join(made[begin:end], self._pairs) for begin, end in pairwise(bounds.tolist())]

    def _texts(self, texts: Longs, size: int) -> Ints:
        """Return the tokens of texts of one size, int32 [texts, size]."""
        positions = self._starts[texts, None] + np.arange(size)
        text = np.take(self._tokens, positions, mode="clip").astype(np.int32)
        if self._ending is not None:
            text[self._ends[texts], -1] = self._ending
        return text


def fit(sizes: Longs, room: int) -> Longs:
    """Return the sequence of each text, int64 [texts]: the fullest with room, the longest first.

    Args:
        sizes: int64 [texts], from 1 to `room`.
        room: of a sequence.
    """
    sequence = np.empty(len(sizes), np.int64)
    open_sequences = _OpenSequences()
    count = 0
    order = np.argsort(-sizes, kind="stable")
    ends = np.flatnonzero(np.diff(sizes[order], append=0)) + 1
    for begin, end in pairwise([0, *ends.tolist()]):
        texts, size = order[begin:end], int(sizes[order[begin]])
        while len(texts):
            left, sequences = open_sequences.fullest(size)
            if not len(sequences):
                left, new = room, -(-len(texts) // (room // size))
                sequences = np.arange(count, count + new)
                count += new
            each = left // size
            used = -(-min(len(texts), len(sequences) * each) // each)
            taken = np.repeat(sequences[:used], each)[: len(texts)]
            sequence[texts[: len(taken)]] = taken
            texts = texts[len(taken) :]
            last = len(taken) - each * (used - 1)  # the last sequence may have got fewer
            open_sequences.keep(left - each * size, sequences[: used - 1])
            open_sequences.keep(left - last * size, sequences[used - 1 : used])
            open_sequences.keep(left, sequences[used:])
    return sequence


class _OpenSequences:
    """Sequences that are not full, by the room that is left in them."""

    def __init__(self) -> None:
        self._sequences: dict[int, Longs] = {}
        self._lefts: list[int] = []  # its keys, in order

    def fullest(self, size: int) -> tuple[int, Longs]:
        """Take out the sequences with the least room that takes `size`; there may be none."""
        position = bisect_left(self._lefts, size)
        if position == len(self._lefts):
            return 0, np.empty(0, np.int64)
        left = self._lefts.pop(position)
        return left, self._sequences.pop(left)

    def keep(self, left: int, sequences: Longs) -> None:
        """Put in sequences with so much room left; full ones are done."""
        if not left or not len(sequences):
            return
        if left in self._sequences:
            sequences = np.concatenate((self._sequences[left], sequences))
        else:
            insort(self._lefts, left)
        self._sequences[left] = sequences


def join(examples: Sequence[Features], pairs: bool) -> Features:
    """Put examples into one sequence: sequences after one another, and for each position its block.

    Blocks count from 1. A number of an example is repeated at its positions. With `pairs` the
    labels are a text of their own, with `label_blocks`.
    """
    sizes = [len(example["input_ids"]) for example in examples]
    numbers = np.arange(1, len(examples) + 1, dtype=np.int32)
    sequence: Features = {"blocks": np.repeat(numbers, sizes)}
    if pairs:
        sequence["label_blocks"] = np.repeat(
            numbers, [len(example["labels"]) for example in examples]
        )
    for name, first in examples[0].items():
        values = [example[name] for example in examples]
        sequence[name] = np.concatenate(values) if np.ndim(first) else np.repeat(values, sizes)
    return sequence


def _cut(
    bounds: Longs, longest: int, least: int, ended: bool
) -> tuple[Longs, Longs, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Cut documents into texts of `longest` tokens, the last one shorter.

    Return where each text starts among the tokens, its size, and whether its last token is the
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
