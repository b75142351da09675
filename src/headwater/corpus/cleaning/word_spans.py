"""Runs of words that occur more than once, over the whole set (Lee et al. 2022, "ExactSubstr").

A run of `length` words that stands earlier in the set, on the same page or on one before, goes; the
first one stays. Longer runs go whole, since each of their parts does. With runs of 3 words:

    page 0   the mill by the river
    page 1   see the mill by the river here      the mill by, mill by the, by the river: leaves
                                                 see here

Words are what stands between white space, and are compared as they are written.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from headwater.corpus.cleaning.rules import Removed
from headwater.corpus.cleaning.spans import SPAN, Records
from headwater.data.order import position_hashes

REPEATED_WORDS: Final = "repeated_words"
_BASE: Final = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_INVERSE: Final = pow(_BASE, -1, 1 << 64)


@final
class WordSpans:
    """The runs of a shard's pages, 16 bytes for each word."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._words: dict[str, int] = {}
        self._parts: list[Records] = []

    def add(self, page: int, text: str) -> None:
        """Note the runs of a page."""
        hashes = run_hashes([self._hash(word) for word in text.split()], self._length)
        records = np.empty(len(hashes), SPAN)
        records["hash"], records["page"] = hashes, page
        records["sentence"] = np.arange(len(hashes))
        self._parts.append(records)

    def by_hash(self) -> Records:
        """Return them as SPAN `[runs]`, by hash, and those of one hash in the pages' order.

        `sentence` is the number of the run's first word on its page.
        """
        records = np.concatenate([np.empty(0, SPAN), *self._parts])
        return records[np.argsort(records["hash"], kind="stable")]

    def _hash(self, word: str) -> int:
        found = self._words.get(word)
        if found is None:
            digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            found = self._words[word] = int.from_bytes(digest, "little")
        return found


def run_hashes(words: Sequence[int], length: int) -> NDArray[np.uint64]:
    """Return a hash of every `length` neighbouring words, uint64 [words - length + 1].

    A polynomial of their hashes modulo 2^64, as by Karp & Rabin (1987), of sums from the start.
    """
    count = len(words) - length + 1
    if count <= 0:
        return np.empty(0, np.uint64)
    powers = np.cumprod(np.full(len(words), _BASE, np.uint64))
    sums = np.concatenate(([np.uint64(0)], np.cumsum(np.array(words, np.uint64) * powers)))
    back = np.cumprod(np.full(count, _INVERSE, np.uint64))
    return position_hashes((sums[length:] - sums[:-length]) * back, np.zeros(count, np.int64))


def without_words(text: str, starts: Sequence[int], length: int) -> tuple[str, list[Removed], int]:
    """Take the runs that begin at these words out of a page.

    Returns:
        the text that stays, what was removed of each line, and how many words were.
    """
    gone = {start + offset for start in starts for offset in range(length)}
    lines, removed, number = [], [], 0
    for line in text.split("\n"):
        words = line.split()
        out = [number + index in gone for index in range(len(words))]
        number += len(words)
        if any(out):
            dropped = " ".join(word for word, left in zip(words, out, strict=True) if left)
            removed.append(Removed(REPEATED_WORDS, dropped))
            line = " ".join(word for word, left in zip(words, out, strict=True) if not left)
        if line:
            lines.append(line)
    return "\n".join(lines), removed, len(gone)
