r"""Words as their characters, and a convolution over them: Kim et al. 2016, "Character-Aware Neural
Language Models", section 2, as the published ELMo has it (Peters et al. 2018, section 3.4).

A word is the bytes of its UTF-8 between two special ids, padded to 50, so no word is unknown:

    "Zoë"   [begin] Z o \xc3 \xab [end] [pad] [pad] ...
    ids       259  91 112  196  172  260   261   261

Ids are the published ones: byte + 1, then the begin and end of a text (which stand where words do,
as `<S>` and `</S>`), the begin and end of a word, and padding. Id 0 stands where there is no word;
its vector is 0.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headwater.nn.embedding import empty_embedding
from headwater.nn.feedforward import ACTIVATIONS

CHARACTERS = 262
MAX_CHARACTERS = 50  # of a word, its begin and end included
BEGIN_TEXT, END_TEXT = "<S>", "</S>"
_TEXT_IDS = {BEGIN_TEXT: 257, END_TEXT: 258}
_BEGIN, _END, PAD = 259, 260, 261


def character_ids(words: Sequence[str], positions: int = MAX_CHARACTERS) -> NDArray[np.int16]:
    """Return the character ids `[words, positions]` of words; longer ones lose their end."""
    ids = np.full((len(words), positions), PAD, np.int16)
    for word_ids, word in zip(ids, words, strict=True):
        text_id = _TEXT_IDS.get(word)
        inner = (
            list(word.encode("utf-8", "ignore")[: positions - 2])
            if text_id is None
            else [text_id - 1]
        )
        word_ids[0], word_ids[1 + len(inner)] = _BEGIN, _END
        word_ids[1 : 1 + len(inner)] = np.array(inner, np.int16) + 1
    return ids


def character(id: int) -> str:
    r"""Return a character id to look at: a letter, a byte as `\xc3`, or a text's begin or end.

    >>> "".join(character(id) for id in (117, 105, 102)), character(196), character(258)
    ('the', '\\xc3', '</S>')
    """
    names = {number: name for name, number in _TEXT_IDS.items()}
    return names.get(id) or (chr(id - 1) if 34 <= id <= 127 else f"\\x{id - 1:02x}")


class CharacterCNN(nn.Module):
    """Character ids `[words, positions]` -> `[words, channels]`: the maximum of each filter.

    Args:
        filters: of each width in characters, how many there are: `((1, 32), (2, 32), ..)`.
        width: of a character's vector.
        activation: a name of `nn.feedforward`, applied after the maximum over a word's positions.
    """

    def __init__(self, filters: Sequence[tuple[int, int]], width: int, activation: str) -> None:
        super().__init__()
        self.embedding = empty_embedding(CHARACTERS, width, padding=0)
        self.convolutions = nn.ModuleList(nn.Conv1d(width, count, size) for size, count in filters)
        self.activation = ACTIVATIONS[activation]
        self._widest = max(size for size, _ in filters)

    def forward(self, characters: Tensor) -> Tensor:
        vectors = self.embedding(self._trimmed(characters)).transpose(1, 2)
        maxima = [convolve(vectors).amax(2) for convolve in self.convolutions]
        return self.activation(torch.cat(maxima, 1))

    def _trimmed(self, characters: Tensor) -> Tensor:
        """Leave out positions that are padding in every word.

        Padding has a vector too. So that the maximum stays the same, a whole window of it is kept
        for the widest filter.
        """
        used = int(((characters != PAD) & (characters != 0)).sum(1).max())
        return characters[:, : used + self._widest]
