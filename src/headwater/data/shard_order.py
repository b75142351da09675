"""The order of sequences that lie in shards: index arithmetic, whatever their number.

Shards are shuffled and taken `TOGETHER` at a time; the sequences of such a window are shuffled
among each other. So an epoch opens few files at once, and any part of it is found without the rest.
Shards of 3, 2, 2 and 1 sequences in windows of two, in an order such as

    shards      2 0 | 3 1
    sequences   5 1 6 0 2 | 3 7 4          0 to 2 are shard 0's, 3 and 4 shard 1's, and so on

`shard_lengths` marks the lengths of such sequences, by which `data.batching` knows them.
"""

from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from headwater.data import order

TOGETHER: Final = 16  # shards that are open at once: more mix better, and take more memory

Longs = NDArray[np.int64]


@final
class ShardOrder:
    """The order of an epoch.

    Args:
        counts: int64 [shards], the sequences of each.
        together: how many shards are shuffled as one.
    """

    def __init__(self, counts: Longs, seed: int, epoch: int, together: int = TOGETHER) -> None:
        self._key = order.hash_key((seed, order.WINDOWS, epoch))
        self._shards = order.permutation(seed, epoch, len(counts), order.SHARDS)
        self._first = np.cumsum(counts) - counts  # sequence of each shard
        bounds = np.concatenate(([0], np.cumsum(counts[self._shards])))
        self._begins = bounds[:-1]  # where each shard would begin if nothing else were shuffled
        self._windows = np.append(bounds[:-1:together], bounds[-1])

    def __len__(self) -> int:
        return int(self._windows[-1])

    def indices(self, begin: int, end: int) -> Longs:
        """Return the sequences at positions `begin` to `end - 1` of the epoch, int64."""
        positions = np.arange(begin, min(end, len(self)))
        window = np.searchsorted(self._windows, positions, side="right") - 1
        places = np.empty_like(positions)
        for number in np.unique(window).tolist():
            first, last = self._windows[number : number + 2].tolist()
            chosen = window == number
            key = order.hash_key((self._key, number))
            places[chosen] = first + order.permuted(key, last - first, positions[chosen] - first)
        slot = np.searchsorted(self._begins, places, side="right") - 1
        found: Longs = self._first[self._shards[slot]] + places - self._begins[slot]
        return found


@final
class ShardLengths(np.ndarray[Any, np.dtype[np.int64]]):
    """Equal lengths in the memory of one, with the number of sequences of each shard.

    What is computed of it has no `counts`, and is an array like any other.
    """

    counts: Longs | None

    def __array_finalize__(self, other: object) -> None:
        self.counts = None


def shard_lengths(length: int, counts: Longs) -> Longs:
    """Return the lengths of sequences in shards, int64 [sequences].

    Args:
        counts: int64 [shards], the sequences of each.
    """
    found = np.broadcast_to(np.int64(length), int(counts.sum())).view(ShardLengths)
    found.counts = counts
    return found


def shard_counts(lengths: Longs) -> Longs | None:
    """Return the sequences of each shard, if that is how these lie."""
    return lengths.counts if isinstance(lengths, ShardLengths) else None


def joined_lengths(parts: list[Longs]) -> Longs:
    """Return the lengths of several sets, as of shards if all have those and one length."""
    counts = [each for part in parts if (each := shard_counts(part)) is not None]
    if len(counts) == len(parts) and len({int(part[0]) for part in parts}) == 1:
        return shard_lengths(int(parts[0][0]), np.concatenate(counts))
    return np.concatenate(parts)
