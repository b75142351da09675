"""Masked language modeling: predict hidden tokens from the text on both sides.

15% of the tokens of a sequence are chosen; of those 80% become [MASK], 10% a random token and 10%
stay as they are, and all are predicted (Devlin et al. 2019, section 3.1, task 1, and appendix A.1):

    text       my dog is hairy        chosen: hairy
    input_ids  my dog is [MASK]       in 80%;  apple in 10%;  hairy in 10%
    labels     -100 -100 -100 hairy

Masks are drawn anew in each epoch (Liu et al. 2019, section 4.1). The choice is exact per sequence,
as in the published code: `max(1, round(0.15 x tokens))`, but counted and taken from the text alone:
special tokens are never chosen, nor ever put in as a random token.
"""

from typing import Self, final

import numpy as np
from pydantic import Field, model_validator

from headwater.config import Config
from headwater.data import order
from headwater.data.convert import IGNORED, Features, digest
from headwater.data.token_arrays import Ints, Longs
from headwater.errors import UserError
from headwater.objectives import noise
from headwater.objectives.nsp import SentencePairs
from headwater.objectives.packing import Packing
from headwater.objectives.sequences import RunningText, Store, constant
from headwater.objectives.token_classes import continuation_tokens, ordinary_tokens, special_tokens
from headwater.text.vocabulary import Vocabulary

ENDS = 2  # tokens around running text: [CLS] and [SEP]
_SHARES = (0.8, 0.1)  # masked and random; the rest stays


class MaskedLMConfig(Config):
    """BERT's objective; the defaults are the published ones.

    max_length: the most tokens in a sequence, special tokens included.
    noise_density: the share of the tokens that is predicted.
    whole_word: choose words, not tokens.
    next_sentence: sequences are sentence pairs, which the next-sentence loss needs; otherwise they
        are full sequences of running text, as RoBERTa's.
    packing: these sequences contain whole texts, each separate, not running text cut anywhere.
    """

    max_length: int = Field(default=512, ge=3, le=noise.LONGEST)
    noise_density: float = Field(default=0.15, gt=0, lt=1)
    whole_word: bool = False
    next_sentence: bool = True
    packing: bool = False

    @model_validator(mode="after")
    def _pairs_alone(self) -> Self:
        if self.packing and self.next_sentence:
            raise ValueError("packing: sentence pairs stand alone; set next_sentence = false too")
        if self.next_sentence and self.max_length < 5:
            raise ValueError("max_length: sentence pairs need at least 5 tokens")
        return self


@final
class MaskedLM:
    """Sequences for an encoder with a masked language model head, a FeatureSet.

    Features of a sequence, int32: `input_ids`, `labels` [length]; with pairs also `token_type_ids`
    [length] and the scalar `next_sentence_label` (0: B is next); packed also `blocks` [length].
    """

    def __init__(
        self, store: Store, vocabulary: Vocabulary, config: MaskedLMConfig, seed: int
    ) -> None:
        if vocabulary.mask_id is None:
            raise UserError(
                "this vocabulary has no mask token, which a masked language model needs; take "
                "BERT's or train one of kind wordpiece"
            )
        self._mask_id = vocabulary.mask_id
        self._special = special_tokens(vocabulary)
        self._ordinary = ordinary_tokens(vocabulary)
        self._begins = ~continuation_tokens(vocabulary) if config.whole_word else None
        self._config = config
        self._seed = seed
        self._source: SentencePairs | Packing | RunningText
        room = config.max_length
        if config.next_sentence:
            self._source = SentencePairs(store, vocabulary, room, seed)
            self.lengths = self._source.lengths
        else:
            self._ends = _ends(vocabulary)
            if config.packing:
                self._source = Packing(store, inputs=np.arange(room - 1) + 2, room=room, least=1)
                self.lengths = self._source.lengths
            else:
                self._source = RunningText(store, room - ENDS, self._ends[1])
                self.lengths = constant(room, len(self._source))
        self.fingerprint = digest(config, seed, store.fingerprint, vocabulary.fingerprint)

    def __len__(self) -> int:
        return len(self.lengths)

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        """Build the given sequences of an epoch."""
        if not isinstance(self._source, SentencePairs):
            return self._source.features(indices, epoch, self._of_texts)
        pairs = self._source.pairs(indices, epoch)
        inputs, labels = self._masked(pairs.ids, pairs.lengths, indices, epoch)
        return [
            {
                "input_ids": inputs[i, :length],
                "token_type_ids": pairs.segments[i, :length],
                "labels": labels[i, :length],
                "next_sentence_label": pairs.labels[i, ...],
            }
            for i, length in enumerate(pairs.lengths)
        ]

    def _of_texts(self, text: Ints, numbers: Longs, epoch: int) -> list[Features]:
        """Make features of texts, int32 [texts, length]."""
        ids = np.empty((len(text), text.shape[1] + ENDS), np.int32)
        ids[:, 0], ids[:, -1] = self._ends
        ids[:, 1:-1] = text
        inputs, labels = self._masked(ids, None, numbers, epoch)
        return [{"input_ids": inputs[i], "labels": labels[i]} for i in range(len(ids))]

    def _masked(
        self, ids: Ints, lengths: Longs | None, numbers: Longs, epoch: int
    ) -> tuple[Ints, Ints]:
        """Return inputs and labels of sequences [sequences, max_length]."""
        allowed = ~self._special[ids]
        if lengths is not None:
            allowed &= np.arange(ids.shape[1]) < lengths[:, None]
        keys = order.sequence_keys((self._seed, order.CHOSEN, epoch), numbers)
        density = self._config.noise_density
        if self._begins is None:
            chosen = noise.choose(keys, allowed, density)
        else:
            chosen = noise.choose_words(keys, allowed, self._begins[ids], density)
        keys = order.sequence_keys((self._seed, order.REPLACED, epoch), numbers)
        hidden = noise.replaced(ids, chosen, keys, self._mask_id, self._ordinary, _SHARES)
        return hidden, np.where(chosen, ids, np.int32(IGNORED))


def _ends(vocabulary: Vocabulary) -> tuple[int, int]:
    """Return the tokens before and after a text: [CLS] and [SEP], `<s>` and `</s>`."""
    if vocabulary.cls_id is None or vocabulary.sep_id is None:
        raise UserError("this vocabulary has no tokens like [CLS] and [SEP] for the ends of a text")
    return vocabulary.cls_id, vocabulary.sep_id
