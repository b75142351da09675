"""An objective over a store in shards: sequences by index, and few shards open at once.

Each shard is running text of its own: what is left at its end is dropped, and its noise has a seed
of its own. How many sequences a shard has is known from its numbers of tokens and documents, so
nothing is read before a sequence is asked for:

    shard       tokens  documents   sequences of 4
    0               10          2   3  = (10 + 2) // 4
    1                7          1   2
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from headwater.data import order
from headwater.data.convert import Features, FeatureSet, PairSet, digest, made_by_group
from headwater.data.shard_order import TOGETHER, shard_lengths
from headwater.data.token_arrays import Longs
from headwater.errors import UserError
from headwater.objectives.sequences import ConcatenatedStores, Store

Build = Callable[[Store, int], FeatureSet]
"""Makes the features of a store under a seed."""


class Shards(Protocol):
    """The part of a store in shards that objectives read."""

    @property
    def sizes(self) -> Longs:
        """int64 [shards, 2]: the tokens and the documents of each."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest of all of it."""
        ...

    def shard(self, number: int) -> Store:
        """Open a shard."""
        ...


@final
class ShardedText:
    """Sequences of running text out of shards, a FeatureSet; a PairSet where `build` makes one.

    Args:
        text: how many tokens of text each sequence takes.
    """

    target_lengths: Longs  # only of pairs, by which the batcher recognizes them

    def __init__(self, shards: Shards, build: Build, text: int, seed: int) -> None:
        self._shards, self._build, self._seed = shards, build, seed
        counts = shards.sizes.sum(axis=1) // text  # a separator after each document
        if not counts.any():
            raise UserError(
                f"no shard holds a sequence of {text} tokens; give more text or a shorter length"
            )
        self._bounds = np.concatenate(([0], np.cumsum(counts)))
        example = build(_Blank(text), seed)
        self.lengths = shard_lengths(int(example.lengths[0]), counts)
        if isinstance(example, PairSet):
            self.target_lengths = shard_lengths(int(example.target_lengths[0]), counts)
        self.fingerprint = digest(example.fingerprint, shards.fingerprint)
        self._open: OrderedDict[int, FeatureSet] = OrderedDict()

    def __len__(self) -> int:
        return int(self._bounds[-1])

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        """Build the given sequences of an epoch, those of one shard together."""
        homes = np.searchsorted(self._bounds, indices, side="right") - 1

        def make(shard: int, chosen: Longs) -> list[Features]:
            return self._features_of(shard).features(indices[chosen] - self._bounds[shard], epoch)

        return made_by_group(homes, make)

    def _features_of(self, shard: int) -> FeatureSet:
        """Return a shard's features, of which the last `TOGETHER` stay open."""
        if shard not in self._open:
            if len(self._open) == TOGETHER:
                self._open.popitem(last=False)
            self._open[shard] = self._build(self._shards.shard(shard), _seed(self._seed, shard))
        self._open.move_to_end(shard)
        return self._open[shard]


def sharded(shards: Shards, build: Build, text: int | None, seed: int) -> FeatureSet:
    """Return the sequences of a store in shards.

    Args:
        text: how many tokens of text each sequence takes; None: it varies, so that all shards are
            opened, and the order of the epoch is that of one store.
    """
    if text is not None:
        return ShardedText(shards, build, text, seed)
    numbers = range(len(shards.sizes))
    sets = [build(shards.shard(number), _seed(seed, number)) for number in numbers]
    return ConcatenatedStores(sets, [1] * len(sets))


def _seed(seed: int, shard: int) -> int:
    return order.hash_key((seed, order.SHARDS, shard)) >> 1


@final
class _Blank:
    """A store of one sequence, from which the lengths of all are learned."""

    fingerprint = ""

    def __init__(self, text: int) -> None:
        self.tokens: NDArray[np.integer] = np.zeros(text, np.uint16)
        self.documents = self.sentences = np.array([0, text], np.int64)
