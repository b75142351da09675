"""A class or a number for each text or pair of texts (Devlin et al. 2019, section 4.1).

classifier = Classifier(network, vocabulary, ("not_entailment", "entailment"))
for decision in classifier(examples):      # streamed, in order
    decision.text, decision.probabilities  # "entailment", (0.1, 0.9)
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from headwater.data.example import PairExample
from headwater.inference.answer import Decision
from headwater.inference.running import chunks, outputs
from headwater.tasks.pair_rows import build_pairs
from headwater.tasks.sequence_config import SequenceConfig
from headwater.text.vocabulary import Vocabulary

CHUNK = 2048  # examples held at once: enough to sort by length


class Classifier:
    """Chooses one of the labels, or gives a number. Calls may come from many threads at once.

    Args:
        network: called with a batch, gives the scores of the labels, `[batch, labels]`; without
            labels the numbers, `[batch, 1]`.
        vocabulary: the one the network was trained with.
        labels: in the order of the outputs; empty: a number is asked for.
        config: how texts are cut; must fit the network's longest input.
        precision: of the matrix products; None: bf16 for large inputs where the processor has it.
        tokens: the most tokens in a batch, padding included; None: by the device.
    """

    def __init__(
        self,
        network: nn.Module,
        vocabulary: Vocabulary,
        labels: Sequence[str],
        config: SequenceConfig | None = None,
        *,
        precision: torch.dtype | None = None,
        tokens: int | None = None,
    ) -> None:
        self.network, self.vocabulary, self.labels = network, vocabulary, tuple(labels)
        self.config = config or SequenceConfig()
        self._precision, self._tokens = precision, tokens

    def __call__(self, examples: Iterable[PairExample]) -> Iterator[Decision]:
        """Yield for each example the likeliest label (of equal ones the first), or the number."""
        for chunk in chunks(examples, CHUNK):
            rows = build_pairs(self.vocabulary, chunk, self.config, self.labels, labelled=False)
            pad_id = self.vocabulary.pad_id or 0
            found = outputs(
                self.network, rows, pad_id, precision=self._precision, tokens=self._tokens
            )
            for example, scores in zip(chunk, found, strict=True):
                yield self._decision(example.id, scores)

    def _decision(self, id: str, scores: NDArray[np.float32]) -> Decision:
        if not self.labels:
            return Decision(id, repr(float(scores[0])))
        shares = np.exp(scores - scores.max())
        chances = tuple((shares / shares.sum()).tolist())
        return Decision(id, self.labels[int(scores.argmax())], chances)
