"""A tag for each word of a sentence (Devlin et al. 2019, section 5.3).

tagger = Tagger(LabelScorer(network, vocabulary, ("O", "B-person", "I-person")))
next(tagger([TaggingExample("1", ("Ada", "Lovelace", "sat"))])).text    # B-person I-person O
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import final

import numpy as np

from headwater.data.example import TaggingExample
from headwater.inference.answer import Decision
from headwater.inference.batches import chunks
from headwater.inference.label_scorer import LabelScorer
from headwater.tasks.labels import OUTSIDE
from headwater.tasks.tag_features import encode_tags

CHUNK = 1024  # sentences held at once: enough to sort by length


@final
class Tagger:
    """Gives every word the likeliest tag of its first token (see `LabelScorer`).

    The network gives the scores of the tags, `[batch, length, tags]`. A sentence longer than one
    input is read in several, cut at words. A word that the vocabulary makes nothing of (a lone
    control character) is tagged `O`.
    """

    def __init__(self, labeller: LabelScorer) -> None:
        self._labeller = labeller

    def __call__(self, examples: Iterable[TaggingExample]) -> Iterator[Decision]:
        """Yield the tags of each sentence, with spaces between them, in order."""
        for chunk in chunks(examples, CHUNK):
            tags = self._tags(chunk)
            for example, found in zip(chunk, tags, strict=True):
                yield Decision(example.id, " ".join(found))

    def _tags(self, examples: Sequence[TaggingExample]) -> list[list[str]]:
        by = self._labeller
        rows = encode_tags(
            by.vocabulary, examples, by.config, by.labels, labelled=False, layout=by.layout
        )
        tags = [[OUTSIDE] * len(example.words) for example in examples]
        for row, scores in enumerate(by.scores(rows)):
            positions, words = rows.places(row)
            sentence = tags[rows.example_of[row]]
            best = np.argmax(scores[positions], axis=-1)
            for word, tag in zip(words.tolist(), best.tolist(), strict=True):
                sentence[word] = by.labels[tag]
        return tags
