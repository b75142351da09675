"""Language modeling: predict each token from those before it, or around it from both sides.

    lm         every token after the first, left to right          GPT, GPT-2
    prefix_lm  a random prefix is fully visible, the rest asked    T5 paper, section 3.2.1
    bilm       left to right and right to left at once             ELMo

Rows are running text. Labels are the ids themselves, -100 where nothing is asked; the model shifts
them by one. The row [5 6 7 8] with a prefix of 2 is

    input_ids 5 6 7 8      labels -100 -100 7 8      prefix_length 2
"""

from typing import Literal, final

import numpy as np
from pydantic import Field

from headwater.config import Config
from headwater.data import order
from headwater.data.convert import IGNORED, Features, digest
from headwater.data.token_arrays import Ints
from headwater.errors import UserError
from headwater.objectives.noise import below
from headwater.objectives.packing import Packing
from headwater.objectives.sequences import Chunks, Longs, Store, constant
from headwater.text.special_tokens import document_end
from headwater.text.vocabulary import Vocabulary

Kind = Literal["lm", "prefix_lm", "bilm"]


class LanguageModelConfig(Config):
    """Language modeling over rows of running text.

    length: tokens in a row.
    packing: rows hold whole texts, each by itself, instead of running text cut anywhere; not for
        `bilm`.
    """

    length: int = Field(default=512, ge=2)
    packing: bool = False


@final
class LanguageModel:
    """Rows for a decoder or a bidirectional recurrent network, a FeatureSet.

    Row features, int32: `input_ids` [length]; unless bidirectional `labels` [length]; with a
    prefix the scalar `prefix_length`, from 1 to length - 1, each as likely. Packed rows also have
    `blocks` [length]; their `prefix_length` [length] is that of each place's text.

    Raises:
        UserError: the vocabulary has no token to end a document, or the store does not fill a row;
            rows of `bilm` were to be packed.
    """

    def __init__(
        self,
        store: Store,
        vocabulary: Vocabulary,
        config: LanguageModelConfig,
        seed: int,
        kind: Kind = "lm",
    ) -> None:
        separator = document_end(vocabulary)
        self._config = config
        self._kind = kind
        self._seed = seed
        self._rows: Chunks | Packing
        if not config.packing:
            self._rows = Chunks(store, config.length, separator)
            self.lengths = constant(config.length, len(self._rows))
        elif kind == "bilm":
            raise UserError("bilm reads running text; set lm.packing = false")
        else:
            self._rows = Packing(
                store,
                inputs=np.arange(config.length + 1),
                room=config.length,
                least=2,
                ending=separator,
            )
            self.lengths = self._rows.lengths
        self.fingerprint = digest(kind, config, seed, store.fingerprint, vocabulary.fingerprint)

    def __len__(self) -> int:
        return len(self._rows)

    def features(self, rows: Longs, epoch: int) -> list[Features]:
        """Build the given rows of an epoch."""
        if isinstance(self._rows, Packing):
            return self._rows.features(rows, epoch, self._examples)
        return self._examples(self._rows.chunk(rows), rows, epoch)

    def _examples(self, ids: Ints, numbers: Longs, epoch: int) -> list[Features]:
        """Make features of texts, int32 [texts, length]."""
        if self._kind == "bilm":
            return [{"input_ids": row} for row in ids]
        if self._kind == "lm":
            labels = ids
            if self._config.packing:
                labels = ids.copy()
                labels[:, 0] = IGNORED  # another text may stand before it
            return [{"input_ids": ids[i], "labels": labels[i]} for i in range(len(ids))]
        length = ids.shape[1]
        keys = order.row_keys((self._seed, order.SPLITS, epoch), numbers)
        prefixes = 1 + below(keys, length - 1).astype(np.int32)
        asked = np.arange(length) >= prefixes[:, None]
        labels = np.where(asked, ids, np.int32(IGNORED))
        return [
            {"input_ids": ids[i], "labels": labels[i], "prefix_length": prefixes[i, ...]}
            for i in range(len(ids))
        ]
