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

CHUNK = 2048  # examples in memory at once: enough to sort by length


@final
class Classifier:
    """Chooses one of the labels, or gives a number.

    The scorer's logits are `[batch, labels]`, or without labels the numbers, `[batch, 1]`.
    """

    def __init__(self, scorer: LabelScorer) -> None:
        self._scorer = scorer

    def __call__(self, examples: Iterable[PairExample]) -> Iterator[Decision]:
        """Yield for each example the likeliest label (of equal ones the first), or the number."""
        scorer = self._scorer
        for chunk in chunks(examples, CHUNK):
            features = encode_pairs(*scorer.inputs(chunk), labelled=False, layout=scorer.layout)
            for example, logits in zip(chunk, scorer.logits(features), strict=True):
                yield self._decision(example.id, logits)

    def _decision(self, id: str, logits: NDArray[np.float32]) -> Decision:
        if not self._scorer.labels:
            return Decision(id, repr(float(logits[0])))
        odds = np.exp(logits - logits.max())
        probabilities = tuple((odds / odds.sum()).tolist())
        return Decision(id, self._scorer.labels[int(logits.argmax())], probabilities)
