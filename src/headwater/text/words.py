"""The words of a running text, as files of tagged words part them: punctuation stands apart.

White space parts words, and so do quotes, brackets, stops and the English `'s` at their ends; what
is inside a word stays (`don't`, `http://a.b`, `U.S.`). Characters of scripts that put no space
between words are words of their own.

>>> text = "Ada's (b. 1815) don't like the U.S."
>>> [text[start:end] for start, end in words(text)]
['Ada', "'s", '(', 'b', '.', '1815', ')', "don't", 'like', 'the', 'U.S.']
"""

import re
from collections.abc import Iterator

_OPENING = "\"'([{<«“‘„‚¿¡「『（"
_CLOSING = "\"')]}>»”’.,;:!?…।۔؟،؛。、，！？」』）"
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_UNSPACED += "\U00020000-\U0003ffff"
"""Thai and Lao, Burmese, Khmer, Japanese kana, Chinese characters."""

_PART = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


def words(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each word starts and ends, in order."""
    for part in _PART.finditer(text):
        start, end = part.span()
        if not any(map(str.isalnum, part[0])):  # a smiley, an ellipsis
            yield start, end
            continue
        while text[start] in _OPENING:
            yield start, start + 1
            start += 1
        last = _last(text, start, end)
        owner = last - 2 * (last - start > 2 and text[last - 2 : last] in ("'s", "’s"))
        yield start, owner
        if owner < last:
            yield owner, last
        yield from ((offset, offset + 1) for offset in range(last, end))


def _last(text: str, start: int, end: int) -> int:
    """Return where a word ends without what closes; the dot of an abbreviation stays."""
    while text[end - 1] in _CLOSING:
        if text[end - 1] == "." and "." in text[start : end - 1].rstrip("."):
            break
        end -= 1
    return end
