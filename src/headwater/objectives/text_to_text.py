"""Language modeling for a model that maps text to text: the T5 paper, section 3.2.3.

    prefix_lm  a row is parted at a random place: inputs | targets     any architecture
    lm         all of the row is targets, there are no inputs          a language model alone

The row [5 6 7 8], parted after 2, is

    input_ids 5 6      labels 7 8

A row is parted at the same place in every epoch, so that its lengths are known beforehand and rows
that are parted alike meet in a batch. No end token is added: a row ends where the next begins.
"""

from typing import Literal, final

import numpy as np

from headwater.data import order
from headwater.data.convert import Features, digest
from headwater.errors import UserError
from headwater.objectives.lm import LanguageModelConfig
from headwater.objectives.noise import below
from headwater.objectives.sequences import Chunks, Longs, Store, constant
from headwater.text.special_tokens import end_token
from headwater.text.vocabulary import Vocabulary


@final
class SplitText:
    """Rows of running text as inputs and targets, a PairSet.

    Row features: `input_ids`, `labels`, int32 [length] each, together `config.length` tokens.

    Raises:
        UserError: the vocabulary has no token to end a document, the store does not fill a row, or
            rows were to be packed.
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
        self._chunks = Chunks(store, config.length, end)
        rows = np.arange(len(self._chunks))
        self._inputs = np.zeros(len(rows), np.int64)
        if kind == "prefix_lm":
            self._inputs += 1 + below(order.row_keys((seed, order.SPLITS), rows), config.length - 1)
        self.target_lengths = config.length - self._inputs
        self.lengths = constant(config.length, len(rows))
        self.fingerprint = digest(kind, config, seed, store.fingerprint, vocabulary.fingerprint)

    def __len__(self) -> int:
        return len(self._chunks)

    def features(self, rows: Longs, epoch: int) -> list[Features]:
        """Build the given rows; they are the same in every epoch."""
        ids = self._chunks.chunk(rows)
        parted = zip(ids, self._inputs[rows].tolist(), strict=True)
        return [{"input_ids": text[:at], "labels": text[at:]} for text, at in parted]
