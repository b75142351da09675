"""Three-sentence spans that occur more than once, over the whole set (Raffel et al. 2020, 2.2).

"We discarded all but one of any three-sentence span occurring more than once in the data set." The
first occurrence stays, in the order of the pages; the sentences of every later one go:

    page 0   A. B. C. D.        spans ABC BCD
    page 1   X. A. B. C. Y.     spans XAB ABC BCY    ABC was there before: leaves X. Y.

Sentences are compared in lower case, whatever their white space. A set that does not fit into
memory is compared in buckets of span hashes; each bucket is a task.
"""

from array import array
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from headwater.corpus.cleaning.rules import REPEATED_SPAN, Removed
from headwater.text.sentences import sentences

LENGTH: Final = 3
SPAN = np.dtype([("hash", "<u8"), ("page", "<u4"), ("sentence", "<u4")])
REPEAT = np.dtype([("shard", "<u4"), ("page", "<u4"), ("sentence", "<u4")])

Records = NDArray[Any]  # of SPAN or REPEAT


@final
class SpanList:
    """The spans of a shard's pages, 16 bytes each."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._pages = array("I")
        self._sentences = array("I")

    def add(self, page: int, text: str) -> None:
        """Note the spans of a page."""
        found = [_normal(sentence) for line in split(text) for sentence in line]
        for index in range(len(found) - LENGTH + 1):
            span = found[index : index + LENGTH]
            if any(map(str.isalnum, "".join(span))):  # "! ! !" is no text
                self._hashes.append(_hash(span))
                self._pages.append(page)
                self._sentences.append(index)

    def by_hash(self) -> Records:
        """Return them as SPAN `[spans]`, by hash, and those of one hash in the pages' order."""
        records = np.empty(len(self._hashes), SPAN)
        records["hash"] = self._hashes
        records["page"] = self._pages
        records["sentence"] = self._sentences
        return records[np.argsort(records["hash"], kind="stable")]


def split(text: str) -> list[list[str]]:
    """Return the sentences of each line."""
    return [[line[start:end] for start, end in sentences(line)] for line in text.split("\n")]


def repeats(shards: Iterable[Records], bucket: int = 0, buckets: int = 1) -> Records:
    """Return where spans begin that began before, as REPEAT `[repeats]`, in the pages' order.

    Args:
        shards: the SPAN records of every shard, in order, as `SpanList.by_hash` gives them.
        bucket: which part of the hashes to compare, of `buckets`.
    """
    hashes, starts = [], []
    for shard, records in enumerate(shards):
        part = records[_slice(records["hash"], bucket, buckets)]
        start = np.empty(len(part), REPEAT)
        start["shard"], start["page"], start["sentence"] = shard, part["page"], part["sentence"]
        hashes.append(np.ascontiguousarray(part["hash"]))
        starts.append(start)
    joined = np.concatenate(hashes) if hashes else np.empty(0, "<u8")
    order = np.argsort(joined, kind="stable")
    again = np.zeros(len(joined), bool)
    again[order[1:]] = joined[order[1:]] == joined[order[:-1]]
    found = np.concatenate(starts)[again] if starts else np.empty(0, REPEAT)
    return found[np.lexsort((found["sentence"], found["page"], found["shard"]))]


def without_repeats(text: str, starts: Sequence[int]) -> tuple[str, list[Removed], int]:
    """Take the spans that begin at these sentences out of a page.

    Returns:
        the text that stays, what was removed of each line, and how many sentences did.
    """
    gone = {start + offset for start in starts for offset in range(LENGTH)}
    lines, removed, number = [], [], 0
    for line in split(text):
        indices = range(number, number + len(line))
        number += len(line)
        kept = [sentence for i, sentence in zip(indices, line, strict=True) if i not in gone]
        dropped = [sentence for i, sentence in zip(indices, line, strict=True) if i in gone]
        if kept:
            lines.append(" ".join(kept))
        if dropped:
            removed.append(Removed(REPEATED_SPAN, " ".join(dropped)))
    return "\n".join(lines), removed, len(gone)


def _slice(hashes: NDArray[Any], bucket: int, buckets: int) -> slice:
    """Return where the hashes of a bucket are among the sorted ones; 2**64 itself is no hash."""
    bounds = [np.uint64(2**64 * number // buckets) for number in range(bucket, buckets)[:2]]
    ends = [int(end) for end in np.searchsorted(hashes, bounds)]
    return slice(*ends) if len(ends) == 2 else slice(ends[0], None)


def _normal(sentence: str) -> str:
    return " ".join(sentence.lower().split())


def _hash(span: Sequence[str]) -> int:
    digest = blake2b("\n".join(span).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
