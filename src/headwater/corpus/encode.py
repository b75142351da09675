"""Turning documents of any length into token ids and sentence bounds, with flat memory.

A document longer than CHUNK characters is encoded in chunks. A chunk is cut before a single space
between two words, where every kind of vocabulary starts a new token, so that the ids are
those of the whole text (WordPiece splits at white space anyway; byte-level BPE takes the space
along with the word after it, SentencePiece writes it into that word):

    ... the old mill| by the river ...

Only where CHUNK / 2 characters hold no such space is a chunk cut before other white space or, as a
last resort, anywhere; there the tokens next to the cut may differ from those of the whole text. (Of
two cuts of a word that are equally likely, SentencePiece may choose another one in a text of some
100,000 characters: it adds up the scores of the whole text in 32 bits. Chunks spare it that.) Where
a sentence ends is found with CONTEXT characters on either side, so a chunk's edge adds no sentence
end.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.corpus.read import DocumentPart
from headwater.text.long_text import cut_offset
from headwater.text.sentences import sentences
from headwater.text.vocabulary import Encoding, Vocabulary

CHUNK = 16_384
CONTEXT = 128
_BATCH_CHARACTERS = 1 << 19  # enough for the encoder's threads, little memory
_BATCH_TEXTS = 1024


class Chunk(NamedTuple):
    """A part of a document; `last` ends the document.

    ends: the offsets at which a sentence ends and another one of the same document follows.
    """

    text: str
    ends: tuple[int, ...]
    last: bool


class ChunkTokens(NamedTuple):
    """The tokens of a chunk: ids int32 `[tokens]`, and after how many of them a sentence ends."""

    ids: NDArray[np.int32]
    ends: NDArray[np.int64]
    last: bool


def chunks(parts: Iterable[DocumentPart]) -> Iterator[Chunk]:
    """Cut documents into chunks of at most CHUNK characters (and CONTEXT more at the end)."""
    text, begin = "", 0  # what comes before `begin` is done, and kept as context
    for part in parts:
        text = text[max(0, begin - CONTEXT) :] + part.text
        begin = min(begin, CONTEXT)
        while len(text) - begin > CHUNK + CONTEXT:
            cut = cut_offset(text, begin + CHUNK // 2, begin + CHUNK)
            yield _chunk(text, begin, cut, last=False)
            begin = cut
        if part.last:
            yield _chunk(text, begin, len(text), last=True)
            text, begin = "", 0


def encode(vocabulary: Vocabulary, cut: Iterable[Chunk]) -> Iterator[ChunkTokens]:
    """Encode chunks in batches."""
    batch: list[Chunk] = []
    size = 0
    for chunk in cut:
        batch.append(chunk)
        size += len(chunk.text)
        if size >= _BATCH_CHARACTERS or len(batch) == _BATCH_TEXTS:
            yield from _encode(vocabulary, batch)
            batch, size = [], 0
    yield from _encode(vocabulary, batch)


def _encode(vocabulary: Vocabulary, batch: list[Chunk]) -> Iterator[ChunkTokens]:
    encodings = vocabulary.encode_batch([chunk.text for chunk in batch])
    for chunk, encoding in zip(batch, encodings, strict=True):
        yield ChunkTokens(encoding.ids, _tokens_before(encoding, chunk.ends), chunk.last)


def _tokens_before(encoding: Encoding, ends: tuple[int, ...]) -> NDArray[np.int64]:
    """Return how many tokens begin before each of the characters `ends`."""
    starts = np.maximum.accumulate(encoding.starts)
    return np.searchsorted(starts, np.array(ends, np.int64)).astype(np.int64)


def _chunk(text: str, begin: int, cut: int, *, last: bool) -> Chunk:
    low = max(0, begin - CONTEXT)
    found = sentences(text[low : cut + CONTEXT])
    ends = (end + low for (_, end), _ in pairwise(found))
    return Chunk(text[begin:cut], tuple(end - begin for end in ends if begin < end <= cut), last)
