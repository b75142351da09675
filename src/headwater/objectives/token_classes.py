"""What objectives must know of a vocabulary's tokens: which are special, which go on with a word.

Word starts are found as `headwater.text.special_tokens` says. With byte-level BPE and Unigram,
punctuation therefore belongs to the word before it.
"""

import numpy as np

from headwater.data.token_arrays import Ints
from headwater.errors import UserError
from headwater.objectives.noise import Mask
from headwater.text.special_tokens import MARKS, all_tokens, kind_of, sentinel_ids
from headwater.text.vocabulary import Vocabulary


def special_tokens(vocabulary: Vocabulary) -> Mask:
    """Return bool [size]: tokens that are no text, and ids without a token."""
    special = np.array([token is None for token in all_tokens(vocabulary)])
    special[sentinel_ids(vocabulary)] = True
    roles = (
        *(vocabulary.pad_id, vocabulary.unk_id, vocabulary.eos_id),
        *(vocabulary.cls_id, vocabulary.sep_id, vocabulary.mask_id),
    )
    special[[id for id in roles if id is not None]] = True
    return special


def ordinary_tokens(vocabulary: Vocabulary) -> Ints:
    """Return the ids that are not special: what a random token is drawn from."""
    return np.flatnonzero(~special_tokens(vocabulary)).astype(np.int32)


def continuation_tokens(vocabulary: Vocabulary) -> Mask:
    """Return bool [size], true on tokens that continue the word of the token before."""
    if vocabulary.whole_words:
        return np.zeros(vocabulary.size, bool)
    tokens = all_tokens(vocabulary)
    kind = kind_of(tokens)
    if kind is None:
        raise UserError(
            "this vocabulary does not mark where words begin (##, Ġ or ▁); set whole_word = false"
        )
    marked = np.array([token is not None and token.startswith(MARKS[kind]) for token in tokens])
    continues = marked if kind == "wordpiece" else ~marked
    return continues & ~special_tokens(vocabulary)
