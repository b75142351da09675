"""What objectives must know of a vocabulary's pieces: which are special, which go on with a word.

    WordPiece   ["un", "##aff", "##able", "."]        "##" goes on
    BPE         ["Ġun", "aff", "able", "."]           no white space in front goes on
    Unigram     ["▁un", "aff", "able", "."]           likewise

With byte-level BPE and Unigram punctuation therefore belongs to the word before it.
"""

import numpy as np

from headwater.data.pieces import Ints
from headwater.errors import UserError
from headwater.objectives.noise import Mask
from headwater.text.vocabulary import Vocabulary

_GOES_ON = "##"
_BYTE_SPACES = ("Ġ", "Ċ", "ĉ", "č")  # how GPT-2 writes space, line feed, tab, carriage return
_SPACE = "▁"


def sentinels(vocabulary: Vocabulary) -> Ints:
    """Return the ids of `<extra_id_0>`, `<extra_id_1>` and so on, as many as there are."""
    ids: list[int] = []
    while True:
        try:
            ids.append(vocabulary.sentinel(len(ids)))
        except UserError:
            return np.array(ids, np.int32)


def special_pieces(vocabulary: Vocabulary) -> Mask:
    """Return bool [size]: pieces that are no text, and ids without a piece."""
    special = np.array([piece is None for piece in _pieces(vocabulary)])
    special[sentinels(vocabulary)] = True
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
    pieces = [piece or "" for piece in _pieces(vocabulary)]
    # The family is told by its commonest mark: any mark may be a lone piece of another family.
    goes_on = np.array([piece.startswith(_GOES_ON) for piece in pieces])
    bytewise = np.array([piece.startswith(_BYTE_SPACES) for piece in pieces])
    spaced = np.array([piece.startswith(_SPACE) for piece in pieces])
    most = max((goes_on, bytewise, spaced), key=np.count_nonzero)
    if not most.any():
        raise UserError(
            "this vocabulary does not mark where words begin (##, Ġ or ▁); set whole_word = false"
        )
    continues = goes_on if most is goes_on else ~most
    return continues & ~special_pieces(vocabulary)


def _pieces(vocabulary: Vocabulary) -> list[str | None]:
    return [_piece(vocabulary, id) for id in range(vocabulary.size)]


def _piece(vocabulary: Vocabulary, id: int) -> str | None:
    try:
        return vocabulary.token(id)
    except UserError:
        return None
