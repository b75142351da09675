"""A class or a number for each text or pair of texts (Devlin et al. 2019, section 4.1).

classifier = Classifier(LabelScorer(network, vocabulary, ("not_entailment", "entailment")))
for decision in classifier(examples):      # streamed, in order
    decision.text, decision.probabilities  # "entailment", (0.1, 0.9)
"""

from collections.abc import Iterable, Iterator
from typing import final

import numpy as np
from numpy.typing import NDArray

from headwater.data.example import PairExample
from headwater.inference.answer import Decision
from headwater.inference.batches import chunks
from headwater.inference.label_scorer import LabelScorer
from headwater.tasks.pair_features import encode_pairs

CHUNK = 2048  # examples held at once: enough to sort by length


@final
class Classifier:
    """Chooses one of the labels, or gives a number (see `LabelScorer`).

    The network gives the scores of the labels, `[batch, labels]`; without labels the numbers,
    `[batch, 1]`.
    """

    def __init__(self, labeller: LabelScorer) -> None:
        self._labeller = labeller

    def __call__(self, examples: Iterable[PairExample]) -> Iterator[Decision]:
        """Yield for each example the likeliest label (of equal ones the first), or the number."""
        by = self._labeller
        for chunk in chunks(examples, CHUNK):
            rows = encode_pairs(
                by.vocabulary, chunk, by.config, by.labels, labelled=False, layout=by.layout
            )
            for example, scores in zip(chunk, by.scores(rows), strict=True):
                yield self._decision(example.id, scores)

    def _decision(self, id: str, scores: NDArray[np.float32]) -> Decision:
        if not self._labeller.labels:
            return Decision(id, repr(float(scores[0])))
        shares = np.exp(scores - scores.max())
        chances = tuple((shares / shares.sum()).tolist())
        return Decision(id, self._labeller.labels[int(scores.argmax())], chances)
