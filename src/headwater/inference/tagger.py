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

CHUNK = 1024  # sentences in memory at once: enough to sort by length


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
        for chunk in chunks(examples, CHUNK):
            for example, tags in zip(chunk, self._tags(chunk), strict=True):
                yield Decision(example.id, " ".join(tags))

    def _tags(self, examples: Sequence[TaggingExample]) -> list[list[str]]:
        scorer = self._scorer
        features = encode_tags(*scorer.inputs(examples), labelled=False, layout=scorer.layout)
        tags = [[OUTSIDE] * len(example.words) for example in examples]
        for index, logits in enumerate(scorer.logits(features)):
            positions, words = features.word_positions(index)
            sentence = tags[features.example_of[index]]
            best = np.argmax(logits[positions], axis=-1)
            for word, tag in zip(words.tolist(), best.tolist(), strict=True):
                sentence[word] = scorer.labels[tag]
        return tags
