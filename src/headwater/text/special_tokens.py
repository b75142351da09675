"""What the tokens of a vocabulary tell of it: its sentinels, what ends a text, how it marks words.

WordPiece   ["un", "##aff", "##able", "."]        "##" goes on
BPE         ["Ġun", "aff", "able", "."]           no white space in front goes on
Unigram     ["▁un", "aff", "able", "."]           likewise
"""

from collections.abc import Iterable

from headwater.errors import UserError
from headwater.text.vocabulary import Vocabulary

MARKS = {
    "wordpiece": ("##",),
    "bpe": ("Ġ", "Ċ", "ĉ", "č"),  # how GPT-2 writes space, line feed, tab, carriage return
    "unigram": ("▁",),
}
"""What a token may begin with, by the kind of vocabulary."""


def all_tokens(vocabulary: Vocabulary) -> list[str | None]:
    """Return the token of every id; None for an id without a token."""
    return [_token(vocabulary, id) for id in range(vocabulary.size)]


def sentinel_ids(vocabulary: Vocabulary) -> list[int]:
    """Return the ids of `<extra_id_0>`, `<extra_id_1>` and so on, as many as there are."""
    ids: list[int] = []
    while True:
        try:
            ids.append(vocabulary.sentinel(len(ids)))
        except UserError:
            return ids


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


def _token(vocabulary: Vocabulary, id: int) -> str | None:
    try:
        return vocabulary.token(id)
    except UserError:
        return None
