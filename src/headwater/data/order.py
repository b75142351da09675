"""The order of the data as a pure function of (seed, epoch, position).

Nothing is drawn from a generator that must be wound forward: every number comes from hashing its
coordinates with splitmix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number
generators"). The position in the data is therefore a few integers, any batch can be rebuilt alone,
and the order does not change with the version of a library.

    >>> permutation(seed=0, epoch=0, size=5).tolist()
    [1, 0, 4, 3, 2]

Noise is drawn the same way: a key for each sequence (`sequence_keys`), and from it a hash for each
position in the sequence (`position_hashes`), for a whole batch at once.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1

# What a hash is used for, so that two uses with the same coordinates stay independent.
SEQUENCES = 1
BATCHES = 2
STEPS = 3
SPANS = 4  # where the noise of a text-to-text sequence stands
CHOSEN = 5  # which tokens of a sequence are masked
REPLACED = 6  # what replaces them
SPLITS = 7  # where a sequence is parted in two
PAIRS = 8  # which sentences meet
STORES = 9  # the seed of each corpus of several
TASKS = 10  # which task an example of a mixture is of, and which of its own
CHOICE = 11  # which examples are trained on, where not all are
SHARDS = 12  # the order of shards, and the seed of each
WINDOWS = 13  # the order of the sequences of neighboring shards
_ROUNDS = 8  # of `permuted`; four would do for large sizes (Luby & Rackoff 1988)


def _mix(value: int) -> int:
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def hash_key(parts: Iterable[int]) -> int:
    """Hash a sequence of integers to one of 64 bits."""
    key = 0
    for part in parts:
        key = _mix(key ^ _mix(part & _MASK))
    return key


def hashes(key: int, size: int) -> NDArray[np.uint64]:
    """Return `size` independent 64-bit hashes, the i-th a function of (key, i) alone."""
    return position_hashes(np.array(key, np.uint64), np.arange(size))


def sequence_keys(parts: Iterable[int], indices: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return `hash_key((*parts, index))` for every index, uint64 of the shape of `indices`."""
    mixed = _finish(indices.astype(np.uint64) + np.uint64(_GOLDEN))
    mixed ^= np.uint64(hash_key(parts))
    mixed += np.uint64(_GOLDEN)
    return _finish(mixed)


def position_hashes(keys: NDArray[np.uint64], positions: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return `hashes(key, position + 1)[position]`; both are broadcast."""
    counters = (positions.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN)
    return _finish(keys + counters)


def _finish(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Apply splitmix64's finalizer in place, modulo 2^64: fresh memory would cost more than it."""
    shifted = values >> np.uint64(30)
    values ^= shifted
    values *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(values, np.uint64(27), out=shifted)
    values ^= shifted
    values *= np.uint64(0x94D049BB133111EB)
    np.right_shift(values, np.uint64(31), out=shifted)
    values ^= shifted
    return values


def permutation(seed: int, epoch: int, size: int, stream: int = SEQUENCES) -> NDArray[np.int64]:
    """Return a shuffle of `range(size)`: the indices sorted by their hashes."""
    keys = hashes(hash_key((seed, stream, epoch)), size)
    return np.argsort(keys, kind="stable").astype(np.int64)


def permuted(key: int, size: int, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what stands at some positions of a shuffle of `range(size)`, without the others.

    A Feistel network over the bits of a number, walked again from what is too large (Black &
    Rogaway 2002, "Ciphers with arbitrary finite domains").
    """
    bits = max(6, (size - 1).bit_length())  # halves of fewer bits would mix too little
    found = positions.astype(np.uint64)
    keys = hashes(key, _ROUNDS)
    todo = np.arange(len(positions))
    while len(todo):
        found[todo] = _feistel(found[todo], keys, bits)
        todo = todo[found[todo] >= size]
    return found.astype(np.int64)


def _feistel(values: NDArray[np.uint64], keys: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    low = np.uint64(bits // 2)
    masks = np.uint64((1 << (bits - bits // 2)) - 1), np.uint64((1 << (bits // 2)) - 1)
    halves = [values >> low, values & masks[1]]
    for number, key in enumerate(keys):
        side = number % 2
        other = halves[1 - side].astype(np.int64)
        halves[side] = halves[side] ^ (position_hashes(key[None], other) & masks[side])
    return halves[0] << low | halves[1]


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """Return the seed of dropout at a step, so that no generator's state need be stored.

    Each process of a run has its own, the first that of one alone.
    """
    own = (rank,) if rank else ()
    return hash_key((seed, STEPS, step, *own)) >> 1  # torch takes signed 64-bit seeds
