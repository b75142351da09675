"""What the tokens of a vocabulary tell of it, and which special tokens stand around texts.

WordPiece   ["un", "##aff", "##able", "."]        "##" goes on
BPE         ["Ġun", "aff", "able", "."]           no white space in front goes on
Unigram     ["▁un", "aff", "able", "."]           likewise

An encoder with a head reads one text or two:

BERT       [CLS] first [SEP] second [SEP]        segment ids tell the two apart
RoBERTa    <s> first </s></s> second </s>
ELMo       first [EOS] second [EOS]              a body trained on running text
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count, takewhile
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UserError
from headwater.text.settings import ROLES
from headwater.text.vocabulary import Vocabulary

MARKS = {
    "wordpiece": ("##",),
    "bpe": ("Ġ", "Ċ", "ĉ", "č"),  # how GPT-2 writes space, line feed, tab, carriage return
    "unigram": ("▁",),
}
"""What a token may begin with, by the kind of vocabulary."""


def all_tokens(vocabulary: Vocabulary) -> list[str | None]:
    """Return the token of every id; None for an id without a token."""
    found: list[str | None] = [None] * vocabulary.size
    for token, id in vocabulary.ids.items():
        found[id] = token
    return found


def sentinel_ids(vocabulary: Vocabulary) -> list[int]:
    """Return the ids of `<extra_id_0>`, `<extra_id_1>` and so on, as many as there are."""
    tokens = (f"<extra_id_{n}>" for n in count())
    return [vocabulary.ids[token] for token in takewhile(vocabulary.ids.__contains__, tokens)]


def end_token(vocabulary: Vocabulary) -> int:
    """Return the token that ends what a text-to-text model reads and writes."""
    if vocabulary.eos_id is None:
        raise UserError("this vocabulary has no end-of-sequence token; text to text needs one")
    return vocabulary.eos_id


def document_end(vocabulary: Vocabulary) -> int:
    """Return the token between documents of running text: the end token, or BERT's separator."""
    end = vocabulary.sep_id if vocabulary.eos_id is None else vocabulary.eos_id
    if end is None:
        raise UserError("this vocabulary has no token that ends a document, like </s> or [SEP]")
    return end


def kind_of(tokens: Iterable[str | None]) -> str | None:
    """Tell the kind by its commonest mark: any mark may be a lone token of another kind."""
    counts = dict.fromkeys(MARKS, 0)
    for token in tokens:
        for kind, marks in MARKS.items():
            counts[kind] += token is not None and token.startswith(marks)
    most = max(counts, key=counts.__getitem__)
    return most if counts[most] else None


def describe(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return what a vocabulary is, for JSON.

    `kind` (None where nothing tells it), `size`, `special` (role to id), `sentinels` (how many
    `<extra_id_n>` there are) and `fingerprint`.
    """
    roles = {role: getattr(vocabulary, f"{role}_id", None) for role in ROLES}
    return {
        "kind": "word" if vocabulary.whole_words else kind_of(all_tokens(vocabulary)),
        "size": vocabulary.size,
        "special": {role: id for role, id in roles.items() if id is not None},
        "sentinels": len(sentinel_ids(vocabulary)),
        "fingerprint": vocabulary.fingerprint,
    }


def tokens(vocabulary: Vocabulary, text: str) -> list[dict[str, Any]]:
    """Return each token of a text: `token`, `id`, and where it came from, `text[start:end]`."""
    found = vocabulary.encode(text)
    return [
        {"token": vocabulary.token(id), "id": id, "start": start, "end": end}
        for id, start, end in zip(
            found.ids.tolist(), found.starts.tolist(), found.ends.tolist(), strict=True
        )
    ]


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
    if encoder or not features:
        layout = encoder_layout(vocabulary)
        return replace(layout, segments=layout.segments or features)
    end = document_end(vocabulary)  # of running text: each text, then its end
    return SequenceLayout((), (end,), (end,), segments=True)


def encoder_layout(vocabulary: Vocabulary) -> SequenceLayout:
    """Choose the layout by the name of the first special token: `<s>` is RoBERTa's, else BERT's."""
    first, separator = vocabulary.cls_id, vocabulary.sep_id
    if first is None or separator is None:  # T5's and GPT-2's vocabularies
        raise UserError(
            "this vocabulary has no tokens like [CLS] and [SEP]; a head on a text needs an encoder "
            "such as BERT"
        )
    if vocabulary.token(first) == "<s>":
        return SequenceLayout((first,), (separator, separator), (separator,), segments=False)
    return SequenceLayout((first,), (separator,), (separator,), segments=True)
