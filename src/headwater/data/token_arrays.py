"""Texts as token ids, labels as class numbers, in flat arrays without Python objects.

A `Ragged` of [3, 1, 4] and [1, 5] holds values [3, 1, 4, 1, 5] and bounds [0, 3, 5].
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UserError, listed
from headwater.text.vocabulary import Encoding, Vocabulary

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

_CHUNK = 512  # texts encoded at once: enough to use the encoder's threads, little to hold


@dataclass(frozen=True, slots=True)
class Ragged:
    """Sequences of different lengths: the i-th is `values[bounds[i]:bounds[i + 1]]`.

    `values` is int32 [all tokens], `bounds` int64 [sequences + 1].
    """

    values: Ints
    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Sequence[Ints]) -> "Ragged":
        """Join sequences, in order."""
        bounds = np.zeros(len(sequences) + 1, np.int64)
        np.cumsum([len(each) for each in sequences], out=bounds[1:])
        values = np.concatenate(sequences) if sequences else np.empty(0, np.int32)
        return cls(values.astype(np.int32, copy=False), bounds)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, index: int) -> Ints:
        """Return one sequence, a view."""
        return self.values[self.bounds[index] : self.bounds[index + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of every sequence, int64 [sequences]."""
        return np.diff(self.bounds)


@dataclass(frozen=True, slots=True)
class EncodedTexts:
    """The tokens of many texts with the characters they came from.

    Token p of the flat arrays stands for `text[starts[p]:ends[p]]`; `ids.bounds` cuts them by text.
    """

    ids: Ragged
    starts: Ints
    ends: Ints


def encode_ids(vocabulary: Vocabulary, texts: Sequence[str], limit: int) -> Ragged:
    """Encode texts without special tokens, each cut to its first `limit` tokens."""
    return Ragged.of([each.ids[:limit] for each in _encodings(vocabulary, texts)])


def encode_tokens(vocabulary: Vocabulary, texts: Sequence[str]) -> EncodedTexts:
    """Encode whole texts without special tokens, with character offsets."""
    encodings = list(_encodings(vocabulary, texts))
    ids = Ragged.of([each.ids for each in encodings])
    starts = Ragged.of([each.starts for each in encodings])
    ends = Ragged.of([each.ends for each in encodings])
    return EncodedTexts(ids, starts.values, ends.values)


def class_numbers(given: Iterable[tuple[str, str]], labels: Sequence[str]) -> Ints:
    """Return the head's output for each label, int32; `given` are ids of examples and labels."""
    numbers = {label: number for number, label in enumerate(labels)}
    found = []
    for id, label in given:
        if label not in numbers:
            raise UserError(f"example {id!r}: label {label!r} is none of {listed(labels)}")
        found.append(numbers[label])
    return np.array(found, np.int32)


def fingerprint(identity: bytes, arrays: Iterable[NDArray[Any] | None]) -> str:
    """SHA-256 over everything that features are made of."""
    digest = hashlib.sha256(identity)
    for array in arrays:
        if array is not None:
            digest.update(array.tobytes())
    return digest.hexdigest()


def _encodings(vocabulary: Vocabulary, texts: Sequence[str]) -> Iterator[Encoding]:
    for start in range(0, len(texts), _CHUNK):
        yield from vocabulary.encode_batch(texts[start : start + _CHUNK])
