"""What objectives must know of a vocabulary's pieces: which are special, which go on with a word.

Words are told by the marks of `headwater.text.marks`.
With byte-level BPE and Unigram punctuation therefore belongs to the word before it.
"""

import numpy as np

from headwater.data.pieces import Ints
from headwater.errors import UserError
from headwater.objectives.noise import Mask
from headwater.text.marks import MARKS, all_pieces, kind_of, sentinel_ids
from headwater.text.vocabulary import Vocabulary


def special_pieces(vocabulary: Vocabulary) -> Mask:
    """Return bool [size]: pieces that are no text, and ids without a piece."""
    special = np.array([piece is None for piece in all_pieces(vocabulary)])
    special[sentinel_ids(vocabulary)] = True
    roles = (
        *(vocabulary.pad_id, vocabulary.unk_id, vocabulary.eos_id),
        *(vocabulary.cls_id, vocabulary.sep_id, vocabulary.mask_id),
    )
    special[[id for id in roles if id is not None]] = True
    return special


def ordinary_pieces(vocabulary: Vocabulary) -> Ints:
    """Return the ids that are not special: what a random piece is drawn from."""
    return np.flatnonzero(~special_pieces(vocabulary)).astype(np.int32)


def continuation_pieces(vocabulary: Vocabulary) -> Mask:
    """Return bool [size], true on pieces that go on with the word of the piece before.

    Raises:
        UserError: the vocabulary does not mark where words begin.
    """
    if vocabulary.whole_words:
        return np.zeros(vocabulary.size, bool)
    pieces = all_pieces(vocabulary)
    kind = kind_of(pieces)
    if kind is None:
        raise UserError(
            "this vocabulary does not mark where words begin (##, Ġ or ▁); set whole_word = false"
        )
    marked = np.array([piece is not None and piece.startswith(MARKS[kind]) for piece in pieces])
    continues = marked if kind == "wordpiece" else ~marked
    return continues & ~special_pieces(vocabulary)
