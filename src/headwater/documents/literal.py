"""Texts as they are searched and read, and how they stand literally in the document.

    literal    "the ﬁrst exam-\\nple of"        what a page holds
    text       "the first example of"          what is searched, and what a model reads

`plain` makes the second of the first, with the edits that lead back. So a passage is stored once,
with a few bytes for each edit, and every quote can be given as it stands on the page.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, final

_LIGATURES = {
    "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st",
}  # fmt: skip
_SOFT = re.compile(r"\u00ad(?:\s*\n\s*)?|[ﬀ-ﬆ]")
_WRAPPED = re.compile(
    r"(?<=[^\W\d_])(?P<hyphen>[-\u2010])[^\S\n]*\n\s*(?=[^\W\d_])"
    r"|(?P<space>[^\S\n]*[\n\f]\s*)"
    rf"|{_SOFT.pattern}"
)
_BEFORE = re.compile(r"[^\W\d_]+\Z")
_AFTER = re.compile(r"[^\W\d_]+")
_REACH = 40  # characters of a word beside a hyphen


class Edit(NamedTuple):
    """`literal` stands in the document where `text[start : start + length]` is in the text."""

    start: int
    length: int
    literal: str


@final
class Edits:
    """How a text differs from what stands in the document."""

    def __init__(self, edits: list[Edit]) -> None:
        self._edits = edits

    def literal(self, text: str) -> str:
        """Return what stands in the document for the whole text."""
        parts, last = [], 0
        for start, length, literal in self._edits:
            parts += [text[last:start], literal]
            last = start + length
        return "".join(parts) + text[last:]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where `text[start:end]` begins and ends in what stands in the document."""
        first, last = start, end
        for at, length, literal in self._edits:
            more = len(literal) - length
            if at + length <= start:
                first += more
            elif at < start:
                first += at - start
            if at < end:
                last += more if at + length <= end else at + len(literal) - end
        return first, max(first, last)

    def encode(self) -> bytes | None:
        """Return the edits as a few bytes each, None where there are none."""
        found, last = bytearray(), 0
        for start, length, literal in self._edits:
            written = literal.encode("utf-8")
            for number in (start - last, length, len(written)):
                found.extend(_variable(number))
            found += written
            last = start
        return bytes(found) or None

    @classmethod
    def decode(cls, data: bytes | None) -> "Edits":
        """Return what `encode` made bytes of."""
        edits, index, last = [], 0, 0
        numbers = [0, 0, 0]
        while data and index < len(data):
            for which in range(3):
                numbers[which], index = _number(data, index)
            last += numbers[0]
            literal = data[index : index + numbers[2]].decode("utf-8")
            edits.append(Edit(last, numbers[1], literal))
            index += numbers[2]
        return cls(edits)


def plain(
    literal: str, wrapped: bool = False, known: Callable[[str], bool] = lambda word: False
) -> tuple[str, Edits]:
    """Return a text as it is searched and read, and the edits that lead back.

    Ligatures are written out and soft hyphens left out.

    Args:
        wrapped: lines are joined, words that a hyphen parted at a line's end too.
        known: whether the document has a word elsewhere; so `well-\\nknown` keeps its hyphen.
    """
    pattern = _WRAPPED if wrapped else _SOFT
    parts: list[str] = []
    edits: list[Edit] = []
    last = length = 0
    for found in pattern.finditer(literal):
        new = _replacement(literal, found, known) if wrapped else _LIGATURES.get(found[0], "")
        if new == found[0]:
            continue
        parts += [literal[last : found.start()], new]
        length += found.start() - last
        edits.append(Edit(length, len(new), found[0]))
        length += len(new)
        last = found.end()
    if not edits:
        return literal, Edits([])
    return "".join([*parts, literal[last:]]), Edits(edits)


def _replacement(literal: str, found: re.Match[str], known: Callable[[str], bool]) -> str:
    if space := found["space"]:
        return "\n\n" if space.count("\n") > 1 else " "
    if not found["hyphen"]:
        return _LIGATURES.get(found[0], "")
    before = _BEFORE.search(literal, max(0, found.start() - _REACH), found.start())
    after = _AFTER.match(literal, found.end())
    first, second = (before[0] if before else ""), (after[0] if after else "")
    if second[:1].isupper() or (
        not known(f"{first}{second}".lower()) and known(f"{first}-{second}".lower())
    ):
        return found["hyphen"]
    return ""


def _variable(number: int) -> Iterator[int]:
    """Yield a number in bytes of seven bits, the low ones first."""
    while number > 127:
        yield number & 127 | 128
        number >>= 7
    yield number


def _number(data: bytes, index: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[index]
        number |= (byte & 127) << shift
        index, shift = index + 1, shift + 7
        if byte < 128:
            return number, index
