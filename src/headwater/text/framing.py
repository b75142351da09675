"""What stands around a text that a text-to-text model reads, and what ends one that it writes.

T5                 text </s>                 writes  text </s>
encoder-decoder    [CLS] text [SEP]          writes  text [SEP]
BART               <s> text </s>             writes  text </s>
GPT                <end> text                writes  text <end>

The vocabulary tells the first two apart: BERT's has no end-of-sequence token (Rothe et al. 2020,
section 2). BART's has one, and the family tells. What a decoder begins with is its config's; a
GPT's <end> is what ends its documents.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UserError
from headwater.text.special_tokens import end_token, separator_of_documents
from headwater.text.vocabulary import Vocabulary

Ids = NDArray[np.int32]


class Framing(NamedTuple):
    """The special tokens before and after what is read, and the one that ends what is written."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    end: int

    @property
    def special_tokens(self) -> int:
        """How many special tokens a sequence that is read has."""
        return len(self.before) + len(self.after)

    def around(self, ids: Ids) -> Ids:
        """Return what is read, int32 [length], of a text's tokens."""
        return np.concatenate((self.before, ids, self.after), dtype=np.int32, casting="unsafe")


def framing_of(
    vocabulary: Vocabulary, running_text: bool = False, enclosed: bool = False
) -> Framing:
    """Return what stands around texts of that vocabulary.

    Args:
        running_text: whether the model was trained on documents one after another, as a GPT is.
        enclosed: whether it reads a first and a last token, whatever the vocabulary has besides.
    """
    if running_text:
        end = separator_of_documents(vocabulary)
        return Framing((end,), (), end)
    first, separator = vocabulary.cls_id, vocabulary.sep_id
    if enclosed and (first is None or separator is None):
        raise UserError(
            "this vocabulary has no tokens like <s> and </s>, between which this model reads a text"
        )
    own = enclosed or vocabulary.eos_id is None
    if own and first is not None and separator is not None:
        return Framing((first,), (separator,), separator)
    end = end_token(vocabulary)
    return Framing((), (end,), end)
