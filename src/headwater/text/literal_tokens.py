"""Finding tokens in a text as they are written, before what stands between them is cut.

    cut("a <extra_id_0> b")     "a ", then <extra_id_0>, then " b"

Where several begin at one place the longest is taken; if that must be a word of its own and is
none, none is taken there. The library `tokenizers` does the same for every `tokenizer.json`;
`sentencepiece` does not.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple, final

from headwater.text.added_tokens import AddedToken

_SPACES = re.compile(r"\s+")
_JOINERS = "\u200c\u200d"  # zero-width, between letters of one word


class Part(NamedTuple):
    """A part of a text between two offsets: a token by its id, or text to cut (None)."""

    start: int
    end: int
    id: int | None


@final
class LiteralTokens:
    """Cuts texts at tokens, each of which has an id."""

    def __init__(self, tokens: Iterable[AddedToken]) -> None:
        self._tokens = {token.content: token for token in tokens}
        longest_first = sorted(self._tokens, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def cut(self, text: str) -> Iterator[Part]:
        """Yield the parts of a text in order; of an empty text one empty part."""
        done = 0
        for found in self._pattern.finditer(text):
            token = self._tokens[found.group()]
            start, end = found.span()
            if start < done:  # inside the white space that the token before took
                continue
            if token.single_word and (
                _in_word(text[start - 1 : start]) or _in_word(text[end : end + 1])
            ):
                continue
            before = text[done:start]
            if token.lstrip:
                before = before.rstrip()
            if before:
                yield Part(done, done + len(before), None)
            yield Part(start, end, token.id)
            done = end
            if token.rstrip and (spaces := _SPACES.match(text, end)):
                done = spaces.end()
        if done < len(text) or not text:
            yield Part(done, len(text), None)


def _in_word(letter: str) -> bool:
    """Tell whether a letter, if any, is part of a word: so are marks, such as Hindi's vowels."""
    return letter != "" and (
        letter.isalnum()
        or letter in _JOINERS
        or unicodedata.category(letter) in ("Mn", "Mc", "Me", "Pc", "Nl")
    )
