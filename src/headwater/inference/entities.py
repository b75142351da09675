"""Entities of running text: where they stand, of which type, and how sure the model is.

    EntityTagger(scorer)(["Ada Lovelace sat."])     # [[Entity("person", "Ada Lovelace", ...)]]

The tags are those of the model (BIO, IO, BIOES, or labels without a prefix) and are joined as
conlleval joins them. A text that is too long for one input is read in windows that overlap by half;
a token counts where it has the most text on both sides (as in the code of Devlin et al. 2019).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, final, get_args

import numpy as np
from numpy.typing import NDArray

from headwater.data.token_arrays import Ints, Longs, Ragged
from headwater.errors import UserError
from headwater.inference.batches import chunks
from headwater.inference.label_predictors import SENTENCES, LabelScorer, likeliest_tags
from headwater.metrics.tagging import chunks as tagged_chunks
from headwater.tasks.pair_features import PairFeatures
from headwater.text.sequence_layout import encoder_layout
from headwater.text.vocabulary import Encoding
from headwater.text.words import words

Aggregation = Literal["first", "simple"]
"""What gets a tag: a word that of its "first" token; or, "simple", every token its own. (The names
are those of `transformers`.)"""
AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)

_TAG = re.compile(r"[BIESLU]-.")
_BILOU = str.maketrans("LU", "ES")


@dataclass(frozen=True, slots=True)
class Entity:
    """A part of a text, and its type.

    label: the type, without the prefix of the tags.
    text: the part itself.
    score: the mean probability of the tags of its words.
    start, end: offsets in characters; `text[start:end]` of the whole text is the part.
    """

    label: str
    text: str
    score: float
    start: int
    end: int


class _Unit(NamedTuple):
    """What gets a tag, and the row of its logits."""

    start: int
    end: int
    token: int


@final
class EntityTagger:
    """Finds entities in texts. Calls may come from many threads at once.

    The scorer's logits are `[batch, length, tags]`.
    """

    def __init__(self, scorer: LabelScorer, aggregation: Aggregation = "first") -> None:
        if aggregation not in AGGREGATIONS:
            known = " or ".join(AGGREGATIONS)
            raise UserError(f"aggregation = {aggregation!r}: {known} was expected")
        self._scorer, self._aggregation = scorer, aggregation
        self._layout = scorer.layout or encoder_layout(scorer.vocabulary)
        self._room = scorer.config.max_length - len(self._layout.before) - len(self._layout.after)
        self._tags = [_tag(label) for label in scorer.labels]

    def __call__(self, texts: Sequence[str]) -> Iterator[list[Entity]]:
        """Yield the entities of each text, in order."""
        for text, (encoding, logits) in zip(texts, self.token_logits(texts), strict=True):
            yield self._entities(text, encoding, logits)

    def token_logits(self, texts: Sequence[str]) -> Iterator[tuple[Encoding, NDArray[np.float32]]]:
        """Yield the tokens of each text and their logits `[tokens, tags]`, in order."""
        for chunk in chunks(texts, SENTENCES):
            encodings = self._scorer.vocabulary.encode_batch(chunk)
            yield from zip(encodings, self._logits([each.ids for each in encodings]), strict=True)

    @property
    def labels(self) -> tuple[str, ...]:
        """The tags, in the order of the logits."""
        return self._scorer.labels

    def _entities(self, text: str, encoding: Encoding, logits: NDArray[np.float32]) -> list[Entity]:
        units = _tokens(encoding) if self._aggregation == "simple" else _words(text, encoding)
        best, scores = likeliest_tags(logits[[unit.token for unit in units]])
        found = []
        for kind, first, last in tagged_chunks(self._tags[tag] for tag in best.tolist()):
            start, end = units[first].start, units[last - 1].end
            score = float(scores[first:last].mean())
            found.append(Entity(kind, text[start:end], score, start, end))
        return found

    def _logits(self, texts: Sequence[Ints]) -> list[NDArray[np.float32]]:
        """Return the logits `[tokens, tags]` of every text, each from one window or several."""
        spans = [(text, *span) for text, ids in enumerate(texts) for span in self._windows(ids)]
        windows = Ragged.of([texts[text][begin:end] for text, begin, end in spans])
        none = Ragged.of([np.empty(0, np.int32)] * len(spans))
        alone = np.zeros(len(spans), bool)
        features = PairFeatures(self._layout, (windows, none), alone, None, 0)
        found = [np.empty((len(ids), len(self._tags)), np.float32) for ids in texts]
        sides: list[Longs] = [np.full(len(ids), -1) for ids in texts]
        offset = len(self._layout.before)
        for (text, begin, end), logits in zip(spans, self._scorer.logits(features), strict=True):
            position = np.arange(end - begin)
            side = np.minimum(position, end - begin - 1 - position)  # tokens on its shorter side
            better = side > sides[text][begin:end]
            sides[text][begin:end][better] = side[better]
            found[text][begin:end][better] = logits[offset : offset + end - begin][better]
        return found

    def _windows(self, ids: Ints) -> Iterator[tuple[int, int]]:
        begin = 0
        while begin + self._room < len(ids):
            yield begin, begin + self._room
            begin += max(1, self._room // 2)
        yield begin, len(ids)


def _tag(label: str) -> str:
    """Return a label as conlleval's tag: one without a prefix is the type of a run of words."""
    if label == "O":
        return label
    return label[0].translate(_BILOU) + label[1:] if _TAG.match(label) else f"I-{label}"


def _tokens(encoding: Encoding) -> list[_Unit]:
    """Return the tokens that came from a part of the text."""
    spans = zip(encoding.starts.tolist(), encoding.ends.tolist(), strict=True)
    return [_Unit(start, end, token) for token, (start, end) in enumerate(spans) if start < end]


def _words(text: str, encoding: Encoding) -> list[_Unit]:
    """Return the words with the first token of each; one of which no token is left has no tag."""
    first: dict[int, int] = {}
    found = list(words(text))
    starts = [start for start, _ in found]
    for start, _, token in _tokens(encoding):
        word = bisect_right(starts, start) - 1
        if word >= 0 and start < found[word][1]:
            first.setdefault(word, token)
    return [_Unit(*found[word], token) for word, token in first.items()]
