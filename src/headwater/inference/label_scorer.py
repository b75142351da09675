"""What a classifier and a tagger share: a network that scores labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from headwater.data.convert import FeatureSet
from headwater.inference.batches import predict_logits
from headwater.tasks.config import SequenceConfig
from headwater.text.sequence_layout import SequenceLayout
from headwater.text.vocabulary import Vocabulary

E = TypeVar("E")


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
        precision: of the matrix products; None: bf16 for large inputs where the processor has it.
        layout: the special tokens of a sequence; None: those of an encoder.
    """

    network: nn.Module
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    config: SequenceConfig = field(default_factory=SequenceConfig)
    precision: torch.dtype | None = None
    layout: SequenceLayout | None = None

    def inputs(
        self, examples: Sequence[E]
    ) -> tuple[Vocabulary, Sequence[E], SequenceConfig, tuple[str, ...]]:
        """Return what examples are converted to features with."""
        return self.vocabulary, examples, self.config, self.labels

    def logits(self, features: FeatureSet) -> list[NDArray[np.float32]]:
        """Return the logits of each sequence, without the batch axis."""
        pad_id = self.vocabulary.pad_id or 0
        return predict_logits(self.network, features, pad_id, precision=self.precision)
