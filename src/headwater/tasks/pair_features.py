"""Texts and pairs of texts as model inputs, labelled with a class or a number.

BERT reads `[CLS] text [SEP]` and `[CLS] text [SEP] other text [SEP]` (Devlin et al. 2019, section
4.1 and figure 4), RoBERTa `<s> text </s></s> other text </s>` (Liu et al. 2019):

    a cat sat | it slept     ->  [CLS] a cat sat [SEP] it slept [SEP]
                                   0   0  0   0    0    1    1    1

A pair that is too long is cut as BERT's code cuts it: token by token off the end of the longer
text, of two equal ones off the second.
"""

from collections.abc import Iterable, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from headwater.data.config import SequenceConfig
from headwater.data.convert import Features
from headwater.data.example import PairExample
from headwater.data.token_arrays import Longs, Ragged, class_numbers, encode_ids, fingerprint
from headwater.errors import UserError
from headwater.metrics.several import labels_of
from headwater.text.sequence_layout import SequenceLayout, encoder_layout
from headwater.text.vocabulary import Vocabulary


@final
class PairFeatures:
    """One feature for each example, a FeatureSet.

    A feature is `input_ids`, `token_type_ids` int32 [length]; when labelled also `labels`, an
    int32 class number or a float32 number. `cut` is how many examples lost an end.
    """

    def __init__(
        self,
        layout: SequenceLayout,
        sides: tuple[Ragged, Ragged],
        pairs: NDArray[np.bool_],
        labels: NDArray[Any] | None,
        cut: int,
    ) -> None:
        self._layout, self._sides, self._pairs, self._labels = layout, sides, pairs, labels
        self.cut = cut
        specials = len(layout.before) + len(layout.after) + pairs * len(layout.between)
        self.lengths: Longs = sides[0].lengths + sides[1].lengths + specials

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Features:
        second = self._sides[1][index] if self._pairs[index] else None
        features = self._layout.sequence(self._sides[0][index], second)
        if self._labels is not None:
            features["labels"] = np.array(self._labels[index])
        return features

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        return [self[index] for index in indices.tolist()]

    @property
    def fingerprint(self) -> str:
        sides = (array for side in self._sides for array in (side.values, side.bounds))
        return fingerprint(self._layout.identity, (*sides, self._pairs, self._labels))


def encode_pairs(
    vocabulary: Vocabulary,
    examples: Iterable[PairExample],
    config: SequenceConfig,
    labels: Sequence[str],
    *,
    labelled: bool = True,
    layout: SequenceLayout | None = None,
    several: bool = False,
) -> PairFeatures:
    """Encode every example.

    labels: the classes in the order of the head's outputs; empty where it gives a number.
    labelled: whether the features hold what is to be learned.
    several: whether an example may have several labels; they are float32 [classes] then, 1 or 0.
    """
    examples = list(examples)
    layout = layout or encoder_layout(vocabulary)
    pairs = np.array([each.text_b is not None for each in examples], bool)
    first = encode_ids(vocabulary, [each.text_a for each in examples], config.max_length)
    second = encode_ids(vocabulary, [each.text_b or "" for each in examples], config.max_length)
    specials = len(layout.before) + len(layout.after) + pairs * len(layout.between)
    keep = _kept(first.lengths, second.lengths, config.max_length - specials)
    sides = (_cut(first, keep[0]), _cut(second, keep[1]))
    cut = int((keep.sum(0) < first.lengths + second.lengths).sum())
    targets = (_several if several else _labels)(examples, labels) if labelled else None
    return PairFeatures(layout, sides, pairs, targets, cut)


def _kept(first: Longs, second: Longs, room: Longs) -> Longs:
    """How many tokens stay of either text, int64 [2, examples]."""
    half = -(-room // 2)  # of an odd room the first text has the larger half
    kept = np.minimum(first, np.maximum(room - second, half))
    return np.stack([kept, np.minimum(second, room - kept)])


def _cut(texts: Ragged, kept: Longs) -> Ragged:
    if np.array_equal(kept, texts.lengths):
        return texts
    return Ragged.of([texts[index][:most] for index, most in enumerate(kept.tolist())])


def _several(examples: Sequence[PairExample], labels: Sequence[str]) -> NDArray[Any]:
    """Which labels each example has, float32 [examples, classes]."""
    for example in examples:
        if example.label is None:
            raise UserError(f"example {example.id!r} has no label to train on")
    found = [labels_of(each.label or "") for each in examples]
    return np.array([[label in each for label in labels] for each in found], np.float32)


def _labels(examples: Sequence[PairExample], labels: Sequence[str]) -> NDArray[Any]:
    """Class numbers int32 [examples], or numbers float32 where there are no classes."""
    for example in examples:
        if (example.label if labels else example.score) is None:
            what = "label" if labels else "score"
            raise UserError(f"example {example.id!r} has no {what} to train on")
    if not labels:
        return np.array([example.score for example in examples], np.float32)
    return class_numbers(((each.id, str(each.label)) for each in examples), labels)
