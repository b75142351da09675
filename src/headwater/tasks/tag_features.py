"""Sentences as model inputs, with a tag for the first token of each word.

Devlin et al. 2019, section 5.3: the first token of a word predicts its tag; the others, and the
special tokens, carry -100, which the loss passes over:

    Ada       Lovelace   sat           O, B-person, I-person are classes 0, 1, 2
    [CLS]  ada  love ##lace  sat  [SEP]
    -100    1    2   -100     0   -100

A sentence that is too long for one input goes on in the next one, from a word on, so that every
word is learned and every word gets a tag.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, final

import numpy as np

from headwater.data.config import SequenceConfig
from headwater.data.convert import IGNORED, Features
from headwater.data.example import TaggingExample
from headwater.data.token_arrays import (
    EncodedTexts,
    Ints,
    Longs,
    Ragged,
    class_numbers,
    encode_tokens,
    fingerprint,
)
from headwater.errors import UserError
from headwater.text.sequence_layout import SequenceLayout, encoder_layout
from headwater.text.vocabulary import Vocabulary


class WordPositions(NamedTuple):
    """Where words begin in a sequence: `words[i]` of the sentence at position `positions[i]`."""

    positions: Longs
    words: Ints


@final
class TagFeatures:
    """The features of many sentences, a FeatureSet; those of one sentence follow each other.

    A feature is `input_ids`, `token_type_ids` int32 [length]; when labelled also `labels`.
    `example_of` is int64 [features], the sentence of each; `continued` is how many sentences took
    more than one.
    """

    def __init__(
        self, layout: SequenceLayout, ids: Ragged, words: Ints, labels: Ints | None, spans: Longs
    ) -> None:
        """Take tokens with the word that each begins, or -1, and `spans` [features, 3]: the
        sentence, and its first token and the one after its last among all."""
        self._layout, self._ids, self._words, self._labels = layout, ids, words, labels
        self._spans = spans
        self.example_of: Longs = spans[:, 0]
        self.lengths: Longs = spans[:, 2] - spans[:, 1] + len(layout.before) + len(layout.after)
        self.continued = int((np.bincount(self.example_of) > 1).sum())

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, index: int) -> Features:
        layout, tokens = self._layout, self._tokens(index)
        features = layout.sequence(self._ids.values[tokens])
        if self._labels is not None:
            length = len(features["input_ids"])
            labels = np.full(length, IGNORED, np.int32)
            labels[len(layout.before) : length - len(layout.after)] = self._labels[tokens]
            features["labels"] = labels
        return features

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        return [self[index] for index in indices.tolist()]

    def word_positions(self, index: int) -> WordPositions:
        words = self._words[self._tokens(index)]
        begins = np.flatnonzero(words >= 0)
        return WordPositions(begins + len(self._layout.before), words[begins])

    @property
    def fingerprint(self) -> str:
        arrays = (self._ids.values, self._words, self._spans, self._labels)
        return fingerprint(self._layout.identity, arrays)

    def _tokens(self, index: int) -> slice:
        return slice(int(self._spans[index, 1]), int(self._spans[index, 2]))


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

    A word of which no token is left, such as a lone control character, has no label.

    labels: the tags in the order of the head's outputs.
    labelled: whether the features hold the tags that are to be learned.
    """
    examples = list(examples)
    layout = layout or encoder_layout(vocabulary)
    tokens = encode_tokens(vocabulary, [" ".join(each.words) for each in examples])
    counts = np.array([len(each.words) for each in examples], np.int64)
    begins = np.concatenate(([0], np.cumsum(counts)))  # of each sentence, among all words
    letters = [len(word) for each in examples for word in each.words]
    word_of = _words_begun(tokens, np.array(letters, np.int64), begins)
    first = np.flatnonzero(word_of >= 0)
    targets = None
    if labelled:
        tags = class_numbers(_tags(examples), labels)
        targets = np.full(len(word_of), IGNORED, np.int32)
        targets[first] = tags[word_of[first]]
    sentence = np.repeat(np.arange(len(examples)), tokens.ids.lengths)
    within = np.where(word_of >= 0, word_of - begins[sentence], -1).astype(np.int32)
    room = config.max_length - len(layout.before) - len(layout.after)
    spans = _cut(tokens.ids.bounds.tolist(), first.tolist(), room)
    return TagFeatures(layout, tokens.ids, within, targets, spans)


def _words_begun(tokens: EncodedTexts, letters: Longs, begins: Longs) -> Longs:
    """Which word, counted over all sentences, each token is the first of; -1: of none.

    Args:
        letters: the length of every word.
        begins: the number of each sentence's first word, and how many words there are.
    """
    starts = np.concatenate(([0], np.cumsum(letters + 1)))  # as if all sentences were one text
    base = starts[np.repeat(begins[:-1], tokens.ids.lengths)]
    offset = base + tokens.starts  # of a lone space mark it is the space between words
    word = np.searchsorted(starts, offset, side="right") - 1
    inside = tokens.ends > tokens.starts
    inside[inside] = offset[inside] < starts[word[inside]] + letters[word[inside]]
    result = np.full(len(word), -1, np.int64)
    indices = np.flatnonzero(inside)
    found, which = np.unique(word[indices], return_index=True)
    result[indices[which]] = found
    return result


def _cut(bounds: Sequence[int], first: Sequence[int], room: int) -> Longs:
    """Cut sentences `bounds[i]:bounds[i + 1]` into spans of at most `room` tokens, before a word.

    A word that is longer is cut wherever the room ends.
    """
    spans = []
    for sentence, (begin, end) in enumerate(pairwise(bounds)):
        while end - begin > room:
            last = first[max(0, bisect_right(first, begin + room) - 1)] if first else begin
            cut = last if last > begin else begin + room
            spans.append((sentence, begin, cut))
            begin = cut
        spans.append((sentence, begin, end))
    return np.array(spans, np.int64).reshape(-1, 3)


def _tags(examples: Sequence[TaggingExample]) -> Iterator[tuple[str, str]]:
    """Yield the tag of every word, with the id of its sentence."""
    for example in examples:
        if example.tags is None:
            raise UserError(f"example {example.id!r} has no tags to train on")
        yield from ((example.id, tag) for tag in example.tags)
