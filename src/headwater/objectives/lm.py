"""Language modeling: predict each token from those before it, or around it from both sides.

    lm         every token after the first, left to right          GPT, GPT-2
    prefix_lm  a random prefix is visible, the rest predicted      T5 paper, section 3.2.1
    bilm       left to right and right to left at once             ELMo

Sequences are running text. The labels of a decoder are the ids themselves, -100 where nothing is
predicted; the model shifts them by one. A text-to-text model reads the prefix and writes the rest
(T5 paper, section 3.2.3). The sequence [5 6 7 8] with a prefix of 2 is

    input_ids 5 6 7 8      labels -100 -100 7 8      prefix_length 2      a decoder
    input_ids 5 6          labels 7 8                                     text-to-text
"""

from typing import Literal, final

import numpy as np
from pydantic import Field

from headwater.config import Config
from headwater.data import order
from headwater.data.convert import IGNORED, Features, digest
from headwater.data.token_arrays import Ints, Longs
from headwater.errors import UserError
from headwater.objectives.noise import below
from headwater.objectives.packing import Packing
from headwater.objectives.sequences import RunningText, Store, constant
from headwater.text.special_tokens import end_token, separator_of_documents
from headwater.text.vocabulary import Vocabulary

Kind = Literal["lm", "prefix_lm", "bilm"]


class LanguageModelConfig(Config):
    """Language modeling over sequences of running text: `lm`, `prefix_lm` and `bilm`.

    length: tokens in a sequence.
    packing: sequences contain whole texts, each separate, instead of running text cut anywhere;
        with `prefix_lm` each has its own prefix; not for `bilm`.
    """

    length: int = Field(default=512, ge=2)
    packing: bool = False


@final
class LanguageModel:
    """Sequences for a decoder or a bidirectional recurrent network, a FeatureSet.

    Features of a sequence, int32: `input_ids` [length]; unless bidirectional `labels` [length];
    with a prefix the scalar `prefix_length`, from 1 to length - 1, each as likely. Packed sequences
    also have `blocks` [length]; their `prefix_length` [length] is that of each position's text.
    """

    def __init__(
        self,
        store: Store,
        vocabulary: Vocabulary,
        config: LanguageModelConfig,
        seed: int,
        kind: Kind = "lm",
    ) -> None:
        separator = separator_of_documents(vocabulary)
        self._config = config
        self._kind = kind
        self._seed = seed
        self._source: RunningText | Packing
        if not config.packing:
            self._source = RunningText(store, config.length, separator)
            self.lengths = constant(config.length, len(self._source))
        elif kind == "bilm":
            raise UserError("bilm reads running text; set lm.packing = false")
        else:
            inputs = np.arange(config.length + 1)
            self._source = Packing(
                store, inputs=inputs, room=config.length, least=2, ending=separator
            )
            self.lengths = self._source.lengths
        self.fingerprint = digest(kind, config, seed, store.fingerprint, vocabulary.fingerprint)

    def __len__(self) -> int:
        return len(self._source)

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        """Build the given sequences of an epoch."""
        return self._source.features(indices, epoch, self._of_texts)

    def _of_texts(self, ids: Ints, numbers: Longs, epoch: int) -> list[Features]:
        """Make features of texts, int32 [texts, length]."""
        if self._kind == "bilm":
            return [{"input_ids": text} for text in ids]
        if self._kind == "lm":
            labels = ids
            if self._config.packing:
                labels = ids.copy()
                labels[:, 0] = IGNORED  # another text may come before it
            return [{"input_ids": ids[i], "labels": labels[i]} for i in range(len(ids))]
        length = ids.shape[1]
        keys = order.sequence_keys((self._seed, order.SPLITS, epoch), numbers)
        prefixes = 1 + below(keys, length - 1).astype(np.int32)
        predicted = np.arange(length) >= prefixes[:, None]
        labels = np.where(predicted, ids, np.int32(IGNORED))
        return [
            {"input_ids": ids[i], "labels": labels[i], "prefix_length": prefixes[i, ...]}
            for i in range(len(ids))
        ]


@final
class SplitText:
    """Sequences of running text as inputs and targets, a PairSet.

    Features of a sequence: `input_ids`, `labels`, int32 [length] each, together `config.length`.
    A sequence is split at the same position in every epoch, so that its lengths are known
    beforehand. No end token is added: a sequence ends where the next begins.
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
