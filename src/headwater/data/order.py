"""The order of the data as a pure function of (seed, epoch, position).

Nothing is drawn from a generator that must be wound forward: every number comes from hashing its
coordinates with splitmix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number
generators"). The place in the data is therefore a few integers, any batch can be rebuilt alone,
and the order does not change with the version of a library.

    >>> permutation(seed=0, epoch=0, size=5).tolist()
    [1, 0, 4, 3, 2]
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1

# What a hash is used for, so that two uses with the same coordinates stay independent.
ROWS = 1
BATCHES = 2
STEPS = 3


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
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is what is meant
        values = np.arange(1, size + 1, dtype=np.uint64) * np.uint64(_GOLDEN) + np.uint64(key)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: NDArray[np.uint64] = values ^ (values >> np.uint64(31))
    return result


def permutation(seed: int, epoch: int, size: int, stream: int = ROWS) -> NDArray[np.int64]:
    """Return a shuffle of `range(size)`: the places sorted by their hashes."""
    keys = hashes(hash_key((seed, stream, epoch)), size)
    return np.argsort(keys, kind="stable").astype(np.int64)


def step_seed(seed: int, step: int) -> int:
    """Return the seed of dropout at a step, so that no generator's state need be stored."""
    return hash_key((seed, STEPS, step)) >> 1  # torch takes signed 64-bit seeds
