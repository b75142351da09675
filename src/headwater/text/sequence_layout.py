"""Which special tokens stand around the one or two texts that a model with a head reads.

BERT       [CLS] first [SEP] second [SEP]        segment ids tell the two apart
RoBERTa    <s> first </s></s> second </s>
GPT        first second                          or as the files of the vocabulary say:
           <end> first <end> <end> second <end>
ELMo       first [EOS] second [EOS]              features of a body trained on running text
"""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UserError
from headwater.text.special_tokens import document_end
from headwater.text.vocabulary import Vocabulary

Ids = NDArray[np.int32]


@final
@dataclass(frozen=True, slots=True)
class SequenceLayout:
    """The special tokens around one text or two, and whether segment ids tell the two apart."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    segments: bool

    @property
    def special_tokens(self) -> int:
        """How many special tokens a sequence of two texts has."""
        return len(self.before) + len(self.between) + len(self.after)

    def sequence(self, first: Ids, second: Ids | None = None) -> dict[str, Ids]:
        """Return `input_ids` and `token_type_ids`, both int32 [length], of one text or two."""
        texts = (first,) if second is None else (first, self.between, second)
        parts = (self.before, *texts, self.after)
        ids = np.concatenate(parts, dtype=np.int32, casting="unsafe")  # () is of no integer type
        segments = np.zeros(len(ids), np.int32)
        if second is not None and self.segments:
            segments[len(self.before) + len(first) + len(self.between) :] = 1
        return {"input_ids": ids, "token_type_ids": segments}

    @property
    def identity(self) -> bytes:
        """What fingerprints of features begin with; saved ones call this class Layout."""
        return repr(self).replace(type(self).__name__, "Layout", 1).encode()


def layout_for(vocabulary: Vocabulary, *, encoder: bool, features: bool) -> SequenceLayout:
    """Return the layout of what a model with a head reads.

    Args:
        encoder: whether its body is one, and no body that was trained on running text.
        features: whether a small model reads the body's features. That tells the two texts apart
            by segment ids, even where the body has none.
    """
    if encoder:
        layout = encoder_layout(vocabulary)
        return replace(layout, segments=layout.segments or features)
    if not features:
        return running_text_layout(vocabulary)
    end = document_end(vocabulary)  # of running text: each text, then its end, if it has one
    ends = () if end is None else (end,)
    return SequenceLayout((), ends, ends, segments=True)


def running_text_layout(vocabulary: Vocabulary) -> SequenceLayout:
    """Return the layout of a causal body with a head, which the vocabulary's files describe.

    It is what `transformers` reads: an encoder's where the vocabulary is one's, and otherwise each
    text with the tokens that the files add. A run adds both (Radford et al. 2018, section 3.3: a
    start, a delimiter and the token that is classified stand around and between texts).
    """
    if vocabulary.cls_id is not None and vocabulary.sep_id is not None:
        return replace(encoder_layout(vocabulary), segments=False)
    before, after = vocabulary.around
    return SequenceLayout(before, after + before, after, segments=False)


def encoder_layout(vocabulary: Vocabulary) -> SequenceLayout:
    """Return the layout that the vocabulary's files describe: BERT's or RoBERTa's."""
    first, separator = vocabulary.cls_id, vocabulary.sep_id
    if first is None or separator is None:  # T5's and GPT-2's vocabularies
        raise UserError(
            "this vocabulary has no tokens like [CLS] and [SEP]; a head on a text needs an encoder "
            "such as BERT"
        )
    between = (separator,) * vocabulary.pairs.separators
    return SequenceLayout((first,), between, (separator,), segments=vocabulary.pairs.segments)
