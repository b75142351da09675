"""Ids as text to look at: tokens by name, and text with its special tokens highlighted.

Unlike `Vocabulary.decode`, it omits and cleans nothing, so that each position is visible:

    [CLS] the mill ##er [SEP]   ->   "[CLS]" special, " the miller", " [SEP]" special
"""

from collections.abc import Sequence
from itertools import groupby

from headwater.errors import UserError
from headwater.objectives.token_classes import special_tokens
from headwater.pictures.page import Highlight, TextSpan
from headwater.text.special_tokens import all_tokens, kind_of, sentinel_ids
from headwater.text.vocabulary import Vocabulary


class Speller:
    """Spells the ids of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._kind = kind_of(all_tokens(vocabulary))
        self.sentinels = frozenset(sentinel_ids(vocabulary))
        special = special_tokens(vocabulary).nonzero()[0].tolist()
        self.special = frozenset(special) - {vocabulary.unk_id}

    def token(self, id: int) -> str:
        """Return a token as the vocabulary writes it; bytes of a byte-level BPE as letters."""
        try:
            token = self.vocabulary.token(id)
        except UserError:  # a model may have more embeddings than its vocabulary has tokens
            return f"<{id}>"
        if self._kind != "bpe" or id in self.special:
            return token
        text = self.vocabulary.decode([id], skip_special=False)
        if not text or "\N{REPLACEMENT CHARACTER}" in text:  # part of a letter
            return token
        return text.replace(" ", "Ġ").replace("\n", "Ċ")

    def text(self, ids: Sequence[int]) -> str:
        """Return ids as text, a space before each word and each special token."""
        parts = []
        for special, group in groupby(ids, key=self.special.__contains__):
            same = list(group)
            if self._kind == "bpe" and not special:
                parts.append(self.vocabulary.decode(same, skip_special=False))
            else:
                parts.extend(self._spelled(id, special) for id in same)
        return "".join(parts)

    def spans(
        self, ids: Sequence[int], highlights: Sequence[Highlight] | None = None
    ) -> tuple[TextSpan, ...]:
        """Return ids as text with highlights; None: those of special tokens and sentinels."""
        highlights = highlights or [self.highlight(id) for id in ids]
        found: list[TextSpan] = []
        for highlight, group in groupby(
            zip(highlights, ids, strict=True), key=lambda pair: pair[0]
        ):
            text = self.text([id for _, id in group])
            found.append(TextSpan(text if found else text.lstrip(" "), highlight))
        return tuple(found)

    def highlight(self, id: int) -> Highlight:
        """Return how a token is shown, by its role in the vocabulary."""
        if id in self.sentinels:
            return "sentinel"
        return "special" if id in self.special else "plain"

    def _spelled(self, id: int, special: bool) -> str:
        token = self.token(id)
        if special:
            return f" {token}"
        if self._kind == "unigram":
            return token.replace("▁", " ")
        if self._kind == "wordpiece" and token.startswith("##"):
            return token[2:]
        return f" {token}"
