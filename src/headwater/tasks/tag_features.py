"""Sentences as model inputs, with a tag for the first token of each word.

Devlin et al. 2019, section 5.3: the tag of a word is asked of its first token; the others, and the
special tokens, are not asked and carry -100:

    Ada       Lovelace   sat           O, B-person, I-person are classes 0, 1, 2
    [CLS]  ada  love ##lace  sat  [SEP]
    -100    1    2   -100     0   -100

A sentence that is too long for one input goes on in the next one, from a word on, so that every
word is learned and every word gets a tag.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from headwater.data.convert import IGNORED, Features
from headwater.data.example import TaggingExample
from headwater.data.token_arrays import EncodedTexts, Ints, Ragged, encode_tokens
from headwater.errors import UserError
from headwater.tasks.config import SequenceConfig
from headwater.tasks.labels import class_numbers, no_such_label
from headwater.text.sequence_layout import SequenceLayout, encoder_layout
from headwater.text.vocabulary import Vocabulary

Longs = NDArray[np.int64]


class WordPositions(NamedTuple):
    """Where words begin in a row: `words[i]` of the sentence at input position `positions[i]`."""

    positions: Longs
    words: Ints


@final
class TagFeatures:
    """The rows of many sentences, a FeatureSet; those of one sentence follow each other.

    Row features: `input_ids`, `token_type_ids` int32 [length]; when labelled also `labels`.
    `example_of` is int64 [rows], the sentence of each; `continued` is how many sentences took more
    than one row.
    """

    def __init__(
        self, layout: SequenceLayout, ids: Ragged, words: Ints, labels: Ints | None, rows: Longs
    ) -> None:
        """Take tokens with the word that each begins, or -1, and rows `[rows, 3]`: the sentence,
        and its first token and the one after its last among all."""
        self._layout, self._ids, self._words, self._labels = layout, ids, words, labels
        self._rows = rows
        self.example_of: Longs = rows[:, 0]
        self.lengths: Longs = rows[:, 2] - rows[:, 1] + len(layout.before) + len(layout.after)
        self.continued = int((np.bincount(self.example_of) > 1).sum())

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Features:
        layout, tokens = self._layout, self._tokens(row)
        parts = (layout.before, self._ids.values[tokens], layout.after)
        ids = np.concatenate(parts, dtype=np.int32, casting="unsafe")  # () is of no integer type
        features = {"input_ids": ids, "token_type_ids": np.zeros(len(ids), np.int32)}
        if self._labels is not None:
            labels = np.full(len(ids), IGNORED, np.int32)
            first = len(layout.before)
            labels[first : len(ids) - len(layout.after)] = self._labels[tokens]
            features["labels"] = labels
        return features

    def features(self, rows: Longs, epoch: int) -> list[Features]:
        """Return rows; they are the same in every epoch."""
        return [self[row] for row in rows.tolist()]

    def places(self, row: int) -> WordPositions:
        """The words that begin in a row."""
        words = self._words[self._tokens(row)]
        begins = np.flatnonzero(words >= 0)
        return WordPositions(begins + len(self._layout.before), words[begins])

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything a row is made of."""
        digest = hashlib.sha256(self._layout.identity)
        for array in (self._ids.values, self._words, self._rows):
            digest.update(array.tobytes())
        if self._labels is not None:
            digest.update(self._labels.tobytes())
        return digest.hexdigest()

    def _tokens(self, row: int) -> slice:
        return slice(int(self._rows[row, 1]), int(self._rows[row, 2]))


def encode_tags(
    vocabulary: Vocabulary,
    examples: Iterable[TaggingExample],
    config: SequenceConfig,
    labels: Sequence[str],
    *,
    labelled: bool = True,
    layout: SequenceLayout | None = None,
) -> TagFeatures:
    """Encode every sentence: its words with a space between them.

    A word of which no token is left, such as a lone control character, is not asked for.

    Args:
        labels: the tags in the order of the head's outputs.
        labelled: whether the rows hold the tags that are to be learned.
        layout: the special tokens; None: those of an encoder.
    """
    examples = list(examples)
    layout = layout or encoder_layout(vocabulary)
    tokens = encode_tokens(vocabulary, [" ".join(each.words) for each in examples])
    counts = np.array([len(each.words) for each in examples], np.int64)
    begins = np.concatenate(([0], np.cumsum(counts)))  # of each sentence, among all words
    letters = [len(word) for each in examples for word in each.words]
    word_of = _words_begun(tokens, np.array(letters, np.int64), begins)
    first = np.flatnonzero(word_of >= 0)
    asked = None
    if labelled:
        tags = _tags(examples, labels)
        asked = np.full(len(word_of), IGNORED, np.int32)
        asked[first] = tags[word_of[first]]
    sentence = np.repeat(np.arange(len(examples)), tokens.ids.lengths)
    within = np.where(word_of >= 0, word_of - begins[sentence], -1).astype(np.int32)
    room = config.max_length - len(layout.before) - len(layout.after)
    rows = _rows(tokens.ids.bounds.tolist(), first.tolist(), room)
    return TagFeatures(layout, tokens.ids, within, asked, rows)


def _words_begun(tokens: EncodedTexts, letters: Longs, begins: Longs) -> Longs:
    """Which word, counted over all sentences, each token is the first of; -1: of none.

    Args:
        letters: the length of every word.
        begins: the number of each sentence's first word, and how many words there are.
    """
    starts = np.concatenate(([0], np.cumsum(letters + 1)))  # as if all sentences were one text
    base = starts[np.repeat(begins[:-1], tokens.ids.lengths)]
    at = base + tokens.starts  # of a lone space mark it is the space between words
    word = np.searchsorted(starts, at, side="right") - 1
    inside = tokens.ends > tokens.starts
    inside[inside] = at[inside] < starts[word[inside]] + letters[word[inside]]
    result = np.full(len(word), -1, np.int64)
    places = np.flatnonzero(inside)
    found, which = np.unique(word[places], return_index=True)
    result[places[which]] = found
    return result


def _rows(bounds: Sequence[int], first: Sequence[int], room: int) -> Longs:
    """Cut sentences `bounds[i]:bounds[i + 1]` into rows of at most `room` tokens, before a word.

    A word that fills a row alone is cut wherever the row ends.
    """
    rows = []
    for sentence, (begin, end) in enumerate(pairwise(bounds)):
        while end - begin > room:
            last = first[max(0, bisect_right(first, begin + room) - 1)] if first else begin
            cut = last if last > begin else begin + room
            rows.append((sentence, begin, cut))
            begin = cut
        rows.append((sentence, begin, end))
    return np.array(rows, np.int64).reshape(-1, 3)


def _tags(examples: Sequence[TaggingExample], labels: Sequence[str]) -> Ints:
    """The class number of every word of all sentences, int32 [words]."""
    numbers = class_numbers(labels)
    found: list[int] = []
    for example in examples:
        if example.tags is None:
            raise UserError(f"example {example.id!r} has no tags to train on")
        for tag in example.tags:
            if tag not in numbers:
                raise no_such_label(example.id, tag, labels)
            found.append(numbers[tag])
    return np.array(found, np.int32)
