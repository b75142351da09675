"""What the tokens of a vocabulary tell of it: sentinels, end tokens, how it joins words.

WordPiece   ["un", "##aff", "##able", "."]        "##" goes on
BPE         ["Ġun", "aff", "able", "."]           no white space in front goes on
Unigram     ["▁un", "aff", "able", "."]           likewise
"""

from collections.abc import Iterable
from itertools import count, takewhile
from typing import Any

from headwater.errors import UserError
from headwater.text.settings import ROLES
from headwater.text.vocabulary import Vocabulary

MARKS = {
    "wordpiece": ("##",),
    "bpe": ("Ġ", "Ċ", "ĉ", "č"),  # how GPT-2 writes space, line feed, tab, carriage return
    "unigram": ("▁",),
}
"""What a token may begin with, by the kind of vocabulary."""

END_OF_WORD = "</w>"
"""What the first GPT's BPE ends a word with; its tokens begin with no mark."""


def all_tokens(vocabulary: Vocabulary) -> list[str | None]:
    """Return the token of every id; None for an id without a token."""
    found: list[str | None] = [None] * vocabulary.size
    for token, id in vocabulary.ids.items():
        found[id] = token
    return found


def sentinel_ids(vocabulary: Vocabulary) -> list[int]:
    """Return the ids of `<extra_id_0>`, `<extra_id_1>` and so on, as many as there are."""
    return [vocabulary.sentinel(n) for n in takewhile(vocabulary.has_sentinel, count())]


def end_token(vocabulary: Vocabulary) -> int:
    """Return the token that ends what a text-to-text model reads and writes."""
    if vocabulary.eos_id is None:
        raise UserError("this vocabulary has no end-of-sequence token; text to text needs one")
    return vocabulary.eos_id


def document_end(vocabulary: Vocabulary) -> int | None:
    """Return the token between documents of running text: the end token, or BERT's separator.

    The vocabulary of the first GPT has none.
    """
    return vocabulary.sep_id if vocabulary.eos_id is None else vocabulary.eos_id


def separator_of_documents(vocabulary: Vocabulary) -> int:
    """Return the token between documents, where they must be told apart."""
    end = document_end(vocabulary)
    if end is None:
        raise UserError(
            "this vocabulary has no token that ends a document, like </s> or [SEP]; put one into "
            "its added_tokens.json, and name it eos_token in its tokenizer_config.json"
        )
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
    kind = "word" if vocabulary.whole_words else kind_of(all_tokens(vocabulary))
    if kind is None and any(token.endswith(END_OF_WORD) for token in vocabulary.ids):
        kind = "bpe"
    return {
        "kind": kind,
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
