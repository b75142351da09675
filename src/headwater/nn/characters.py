r"""Words as their characters, and a convolution over them: Kim et al. 2016, "Character-Aware Neural
Language Models", section 2, as the published ELMo has it (Peters et al. 2018, section 3.4).

A word is the bytes of its UTF-8 between two marks, filled up to 50 places, so no word is unknown:

    "Zoë"   [begin] Z o \xc3 \xab [end] [pad] [pad] ...
    ids       259  91 112  196  172  260   261   261

Ids are the published ones: byte + 1, then the marks of a text's begin and end (which stand in the
places of words, as `<S>` and `</S>`), of a word's begin and end, and the filling. Id 0 fills the
places where there is no word; its vector is 0.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headwater.nn.embedding import table
from headwater.nn.feedforward import ACTIVATIONS

CHARACTERS = 262
PLACES = 50  # of a word, its two marks included
BEGIN_TEXT, END_TEXT = "<S>", "</S>"
_TEXT_MARKS = {BEGIN_TEXT: 257, END_TEXT: 258}
_BEGIN, _END, PAD = 259, 260, 261


def character_ids(words: Sequence[str], places: int = PLACES) -> NDArray[np.int16]:
    """Return the character ids `[words, places]` of words; longer ones lose their end."""
    ids = np.full((len(words), places), PAD, np.int16)
    for row, word in zip(ids, words, strict=True):
        mark = _TEXT_MARKS.get(word)
        inner = list(word.encode("utf-8", "ignore")[: places - 2]) if mark is None else [mark - 1]
        row[0], row[1 + len(inner)] = _BEGIN, _END
        row[1 : 1 + len(inner)] = np.array(inner, np.int16) + 1
    return ids


def character(id: int) -> str:
    r"""Return a character id to look at: a letter, a byte as `\xc3`, or the mark of a text.

    >>> "".join(character(id) for id in (117, 105, 102)), character(196), character(258)
    ('the', '\\xc3', '</S>')
    """
    marks = {number: name for name, number in _TEXT_MARKS.items()}
    return marks.get(id) or (chr(id - 1) if 34 <= id <= 127 else f"\\x{id - 1:02x}")


class CharacterCNN(nn.Module):
    """Character ids `[words, places]` -> `[words, channels]`: the strongest answer of each filter.

    Args:
        filters: of each width in characters, how many there are: `((1, 32), (2, 32), ..)`.
        width: of a character's vector.
        activation: a name of `nn.feedforward`, applied after the maximum over a word's places.
    """

    def __init__(self, filters: Sequence[tuple[int, int]], width: int, activation: str) -> None:
        super().__init__()
        self.embedding = table(CHARACTERS, width, padding=0)
        self.convolutions = nn.ModuleList(nn.Conv1d(width, many, reach) for reach, many in filters)
        self.activation = ACTIVATIONS[activation]
        self._reach = max(reach for reach, _ in filters)

    def forward(self, characters: Tensor) -> Tensor:
        vectors = self.embedding(self._trimmed(characters)).transpose(1, 2)
        strongest = [convolve(vectors).amax(2) for convolve in self.convolutions]
        return self.activation(torch.cat(strongest, 1))

    def _trimmed(self, characters: Tensor) -> Tensor:
        """Leave out places that are filling in every word.

        Filling has a vector too. So that the maximum stays the same, a whole window of it is kept
        for the widest filter.
        """
        used = int(((characters != PAD) & (characters != 0)).sum(1).max())
        return characters[:, : used + self._reach]
