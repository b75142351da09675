"""The tokens of a text of any length, in memory that does not grow with it.

    for encoding in encode_long(vocabulary, text):     # joined: vocabulary.encode(text)
        ...

A chunk ends before a single space between two words, where every kind of vocabulary starts a new
token. It is encoded with SEAM characters more on both sides, and the tokens around its end must be
those of the characters around it alone. Where they are not, such as inside of a word that has no
end, the chunk is made longer, if need be to the end of the text. So the tokens are those of the
whole text, with one exception: of two cuts of a word that are equally likely, SentencePiece may
choose another one in a long text (see `corpus.encode`).
"""

from collections.abc import Iterator

import numpy as np

from headwater.text.vocabulary import Encoding, Vocabulary

CHUNK = 16_384
SEAM = 64


def encode_long(vocabulary: Vocabulary, text: str) -> Iterator[Encoding]:
    """Yield the tokens of a text chunk by chunk; offsets are those of the whole text."""
    begin, size = 0, CHUNK
    while True:
        cut = len(text)
        if cut - begin > size + SEAM:
            cut = cut_offset(text, begin + size // 2, begin + size)
        chunk = _encode(vocabulary, text, begin - SEAM, cut + SEAM)
        if cut < len(text) and not _agree(
            chunk, _encode(vocabulary, text, cut - SEAM, cut + SEAM), cut
        ):
            size *= 2
            continue
        own = slice(_tokens_before(chunk, begin), _tokens_before(chunk, cut))
        if cut == len(text):
            own = slice(own.start, None)
        yield Encoding(chunk.ids[own], chunk.starts[own], chunk.ends[own])
        if cut == len(text):
            return
        begin, size = cut, CHUNK


def cut_offset(text: str, low: int, high: int) -> int:
    """Return the best offset from `low` to `high` to cut a text at."""
    offset = text.rfind(" ", low, high)
    while offset > low:
        if not text[offset - 1].isspace() and text[offset + 1].isalnum():
            return offset
        offset = text.rfind(" ", low, offset)
    for offset in range(high - 1, low, -1):
        if text[offset].isspace() and not text[offset + 1].isspace():
            return offset
    return high


def _encode(vocabulary: Vocabulary, text: str, low: int, high: int) -> Encoding:
    low = max(0, low)
    found = vocabulary.encode(text[low:high])
    return Encoding(found.ids, found.starts + np.int32(low), found.ends + np.int32(low))


def _tokens_before(encoding: Encoding, offset: int) -> int:
    """Return how many tokens stand before a character; none of them if it is the first."""
    if not offset:
        return 0
    return int(np.searchsorted(np.maximum.accumulate(encoding.starts), offset))


def _agree(one: Encoding, other: Encoding, cut: int) -> bool:
    """Tell whether both have the same tokens on both sides of `cut`, and one begins there."""
    near = []
    for each in (one, other):
        inside = np.flatnonzero(np.abs(each.starts - cut) < SEAM // 2)
        near.append(np.stack([each.ids, each.starts, each.ends])[:, inside])
    if not np.array_equal(near[0], near[1]):
        return False
    before = near[0][1] < cut
    return bool(before.any() and not before.all() and near[0][2][before].max() <= cut)
