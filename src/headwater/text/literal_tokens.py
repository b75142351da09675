"""Finding tokens in a text as they are written, before what stands between them is cut.

    cut("a <extra_id_0> b")     "a ", then <extra_id_0>, then " b"

Where several begin at one place the longest is taken. The library `tokenizers` does the same for
every `tokenizer.json`; `sentencepiece` does not.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, final

from headwater.text.added_tokens import AddedToken

_SPACES = re.compile(r"\s+")


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
        self._pattern = re.compile("|".join(map(self._matching, longest_first)) or "(?!)")

    def cut(self, text: str) -> Iterator[Part]:
        """Yield the parts of a text in order; of an empty text one empty part."""
        done = 0
        for found in self._pattern.finditer(text):
            token = self._tokens[found.group()]
            start, end = found.span()
            if start < done:  # inside the white space that the token before took
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

    def _matching(self, content: str) -> str:
        pattern = re.escape(content)
        return rf"(?<!\w){pattern}(?!\w)" if self._tokens[content].single_word else pattern
