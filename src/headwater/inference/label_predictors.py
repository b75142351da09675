"""Labels and numbers for texts, and tags for words (Devlin et al. 2019, sections 4.1 and 5.3).

classifier = Classifier(LabelScorer(network, vocabulary, ("not_entailment", "entailment")))
for decision in classifier(examples):      # streamed, in order
    decision.text, decision.probabilities  # "entailment", (0.1, 0.9)
tagger = Tagger(LabelScorer(network, vocabulary, ("O", "B-person", "I-person")))
next(tagger([TaggingExample("1", ("Ada", "Lovelace", "sat"))])).text    # B-person I-person O
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from headwater.data.config import SequenceConfig
from headwater.data.convert import FeatureSet
from headwater.data.example import PairExample, TaggingExample
from headwater.inference.answer import Decision
from headwater.inference.batches import chunks, predict_logits
from headwater.tasks.pair_features import encode_pairs
from headwater.tasks.tag_features import encode_tags
from headwater.text.sequence_layout import SequenceLayout
from headwater.text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

Activation = Literal["softmax", "sigmoid", "none"]
"""From a classifier's logits to what it gives; with "sigmoid" several labels may be chosen."""

CHUNK = 2048  # examples in memory at once: enough to sort by length
SENTENCES = 1024  # those of a tagger


@final
@dataclass(frozen=True, slots=True)
class LabelScorer:
    """A network with the vocabulary and the labels it was trained with.

    Calls may come from many threads at once.

    Args:
        network: called with a batch, gives logits, `[batch, ..., labels]`.
        vocabulary: the one the network was trained with.
        labels: in the order of the outputs; empty: the only output is a number.
        config: how texts are cut; must fit the network's longest input.
        precision: of the matrix products; None: see `running.running`.
        layout: the special tokens of a sequence; None: those of an encoder.
    """

    network: nn.Module
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    config: SequenceConfig = field(default_factory=SequenceConfig)
    precision: torch.dtype | None = None
    layout: SequenceLayout | None = None

    def logits(self, features: FeatureSet) -> list[NDArray[np.float32]]:
        """Return the logits of each sequence, without the batch axis."""
        pad_id = self.vocabulary.pad_id or 0
        return predict_logits(self.network, features, pad_id, precision=self.precision)


@final
class Classifier:
    """Chooses one of the labels, or several, or gives a number.

    The scorer's logits are `[batch, labels]`, or without labels the numbers, `[batch, 1]`.

    Args:
        activation: "softmax": the probabilities of all labels add up to 1. "sigmoid": each label
            has one of its own; chosen are those above 0.5. "none": logits stand for them.
    """

    def __init__(self, scorer: LabelScorer, *, activation: Activation = "softmax") -> None:
        self._scorer, self._activation = scorer, activation
        self.labels = scorer.labels

    def __call__(self, examples: Iterable[PairExample]) -> Iterator[Decision]:
        """Yield for each example the likeliest label (of equal ones the first), or the number.

        Several labels have a comma between them.
        """
        scorer, cut = self._scorer, 0
        for chunk in chunks(examples, CHUNK):
            features = encode_pairs(
                *(scorer.vocabulary, chunk, scorer.config, scorer.labels),
                labelled=False,
                layout=scorer.layout,
            )
            cut += features.cut
            for example, logits in zip(chunk, scorer.logits(features), strict=True):
                yield self._decision(example.id, logits)
        if cut:
            longest = scorer.config.max_length
            logger.info(f"texts of more than {longest} tokens, whose ends are not read: {cut}")

    def _decision(self, id: str, logits: NDArray[np.float32]) -> Decision:
        if not self._scorer.labels:
            return Decision(id, repr(float(logits[0])))
        if self._activation == "none":
            best = self._scorer.labels[int(logits.argmax())]
            return Decision(id, best, tuple(logits.astype(np.float64).tolist()))
        if self._activation == "sigmoid":
            chances = 1 / (1 + np.exp(-logits.astype(np.float64)))
            likely = (
                label for label, p in zip(self._scorer.labels, chances, strict=True) if p > 0.5
            )
            return Decision(id, ", ".join(likely), tuple(chances.tolist()))
        odds = np.exp(logits - logits.max())
        probabilities = tuple((odds / odds.sum()).tolist())
        return Decision(id, self._scorer.labels[int(logits.argmax())], probabilities)


@final
class Tagger:
    """Gives every word the likeliest tag of its first token.

    The scorer's logits are `[batch, length, tags]`. A sentence longer than one input is read in
    several, cut at words. A word without a token (a lone control character) is tagged `O`.
    """

    def __init__(self, scorer: LabelScorer) -> None:
        self._scorer = scorer

    def __call__(self, examples: Iterable[TaggingExample]) -> Iterator[Decision]:
        """Yield the tags of each sentence, with spaces between them, in order."""
        for chunk in chunks(examples, SENTENCES):
            for example, tags in zip(chunk, self._tags(chunk), strict=True):
                text = " ".join(self._scorer.labels[tag] if tag >= 0 else "O" for tag, _ in tags)
                yield Decision(example.id, text, tuple(chance for _, chance in tags))

    def _tags(self, examples: Sequence[TaggingExample]) -> list[list[tuple[int, float]]]:
        """Return the tag of every word by its number, and its probability; -1 without a token."""
        scorer = self._scorer
        features = encode_tags(
            *(scorer.vocabulary, examples, scorer.config, scorer.labels),
            labelled=False,
            layout=scorer.layout,
        )
        found = [[(-1, 1.0)] * len(example.words) for example in examples]
        for index, logits in enumerate(scorer.logits(features)):
            positions, words = features.word_positions(index)
            sentence, scores = found[features.example_of[index]], logits[positions]
            best, chances = likeliest_tags(scores)
            for word, *tag in zip(words.tolist(), best.tolist(), chances.tolist(), strict=True):
                sentence[word] = (tag[0], tag[1])
        return found


def likeliest_tags(
    logits: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the likeliest tag of each row of `[words, tags]` by its number, and its probability.

    Of equal ones it is the first.
    """
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return logits.argmax(axis=-1), 1 / odds.sum(axis=-1)
