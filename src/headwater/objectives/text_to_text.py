"""Language modeling for a model that maps text to text: the T5 paper, section 3.2.3.

    prefix_lm  a sequence is split at a random position: inputs | targets     any architecture
    lm         all of the sequence is targets, there are no inputs          a language model alone

The sequence [5 6 7 8], split after 2, is

    input_ids 5 6      labels 7 8

A sequence is split at the same position in every epoch, so that its lengths are known beforehand
and sequences that are split alike meet in a batch. No end token is added: a sequence ends where the
next begins.
"""

from typing import Literal, final

import numpy as np

from headwater.data import order
from headwater.data.convert import Features, digest
from headwater.errors import UserError
from headwater.objectives.lm import LanguageModelConfig
from headwater.objectives.noise import below
from headwater.objectives.sequences import Longs, RunningText, Store, constant
from headwater.text.special_tokens import end_token
from headwater.text.vocabulary import Vocabulary


@final
class SplitText:
    """Sequences of running text as inputs and targets, a PairSet.

    Features of a sequence: `input_ids`, `labels`, int32 [length] each, together `config.length`.
    """

    def __init__(
        self,
        store: Store,
        vocabulary: Vocabulary,
        config: LanguageModelConfig,
        seed: int,
        kind: Literal["lm", "prefix_lm"],
    ) -> None:
        end = end_token(vocabulary)
        if config.packing:
            raise UserError("text to text reads running text here; set lm.packing = false")
        self._source = RunningText(store, config.length, end)
        numbers = np.arange(len(self._source))
        self._inputs = np.zeros(len(numbers), np.int64)
        if kind == "prefix_lm":
            keys = order.sequence_keys((seed, order.SPLITS), numbers)
            self._inputs += 1 + below(keys, config.length - 1)
        self.target_lengths = config.length - self._inputs
        self.lengths = constant(config.length, len(numbers))
        self.fingerprint = digest(kind, config, seed, store.fingerprint, vocabulary.fingerprint)

    def __len__(self) -> int:
        return len(self._source)

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        """Build the given sequences; they are the same in every epoch."""
        ids = self._source.texts(indices)
        split = zip(ids, self._inputs[indices].tolist(), strict=True)
        return [{"input_ids": text[:at], "labels": text[at:]} for text, at in split]
