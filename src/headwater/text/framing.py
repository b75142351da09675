"""What stands around a text that a text-to-text model reads, and what ends one that it writes.

T5                 text </s>                 writes  text </s>
encoder-decoder    [CLS] text [SEP]          writes  text [SEP]

The vocabulary tells them apart: BERT's has no end-of-sequence token (Rothe et al. 2020, section 2).
What a decoder begins with is its config's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.text.special_tokens import end_token
from headwater.text.vocabulary import Vocabulary

Ids = NDArray[np.int32]


class Framing(NamedTuple):
    """The special tokens before and after what is read; the last one ends what is written, too."""

    before: tuple[int, ...]
    end: int

    @property
    def special_tokens(self) -> int:
        """How many special tokens a sequence that is read has."""
        return len(self.before) + 1

    def around(self, ids: Ids) -> Ids:
        """Return what is read, int32 [length], of a text's tokens."""
        return np.concatenate((self.before, ids, (self.end,)), dtype=np.int32, casting="unsafe")


def framing_of(vocabulary: Vocabulary) -> Framing:
    """Return what stands around texts of that vocabulary."""
    first, separator = vocabulary.cls_id, vocabulary.sep_id
    if vocabulary.eos_id is None and first is not None and separator is not None:
        return Framing((first,), separator)
    return Framing((), end_token(vocabulary))
