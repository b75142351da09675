"""Cutting documents into passages: whole paragraphs under one heading, up to about 200 words.

A paragraph that is much longer is cut between sentences. Rows of a table in a text are packed as
paragraphs are; a row of a file that is a table is a passage of its own.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import NamedTuple

from headwater.documents.document import LEVELS, Block, Document, shortened
from headwater.documents.literal import plain
from headwater.text.sentences import boundaries

WORDS = 200
"""The most words of several paragraphs in one passage, and about those of a part of a long one."""

_WHOLE = WORDS * 3 // 2  # words of the longest paragraph that is not cut
_REST = WORDS // 5  # words of what is too short for a passage of its own
_CHARACTERS = 10  # of a word at most, so that scripts without spaces are cut too
_LONGEST = _WHOLE * _CHARACTERS
_WORDS = re.compile(rf"\s*(?:\S+\s+){{{WORDS}}}")
_HYPHENATED = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)?")
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


class Passage(NamedTuple):
    """A part of a document that is found and read as one.

    text: as it is searched and read; `edits` lead to `document.text[start:end]` (`literal.Edits`).
    page: the one on which it begins, from 1 on; a form feed in the literal text begins the next.
    """

    text: str
    headings: tuple[str, ...]
    page: int | None
    start: int
    end: int
    edits: bytes | None


def clean(document: Document) -> Document:
    """Return a document without what no file of text can hold; every offset stays."""
    if _NO_TEXT.search(document.text):
        document.text = _NO_TEXT.sub("\ufffd", document.text)
    document.title = _shown(document.title)
    return document


def cut(document: Document) -> Iterator[Passage]:
    """Yield the passages of a document, in order."""
    text = document.text
    known = _words_of(text) if document.wrapped else (lambda word: False)
    for headings, blocks in groupby(document.blocks, key=lambda block: block.headings):
        shown = tuple(map(_shown, headings[-LEVELS:]))
        for start, end, page, *_ in _with_rests(_pack(text, blocks)):
            searched, edits = plain(text[start:end], document.wrapped, known)
            if searched.strip():
                yield Passage(searched, shown, page, start, end, edits.encode())


def _shown(heading: str) -> str:
    """Return a heading as it is searched, without ligatures and soft hyphens, and not too long."""
    return shortened(plain(_NO_TEXT.sub("\ufffd", shortened(heading)))[0])


class _Span(NamedTuple):
    """A passage to be: `text[start:end]`, its page, its words, whether a record begins there."""

    start: int
    end: int
    page: int | None
    size: int
    record: bool = False


def _pack(text: str, blocks: Iterable[Block]) -> Iterator[_Span]:
    """Yield neighbouring blocks together, as far as they fit."""
    last: _Span | None = None
    for block in blocks:
        size = _size(text[block.start : block.end])
        if last is not None and block.kind != "record" and last.size + size <= WORDS:
            last = last._replace(end=block.end, size=last.size + size)
            continue
        for span in _spans(text, block, size):
            if last is not None:
                yield last
            last = span
    if last is not None:
        yield last


def _with_rests(spans: Iterable[_Span]) -> Iterator[_Span]:
    """Yield passages, where a short rest goes to the one before it."""
    last: _Span | None = None
    for span in spans:
        if last is None:
            last = span
        elif span.size < _REST and not span.record and last.size + span.size <= _WHOLE:
            last = last._replace(end=span.end, size=last.size + span.size)
        else:
            yield last
            last = span
    if last is not None:
        yield last


def _spans(text: str, block: Block, size: int) -> Iterator[_Span]:
    """Yield a block, in parts where it is too long."""
    if size <= _WHOLE:
        yield _Span(block.start, block.end, block.page, size, block.kind == "record")
        return
    for start, end in _parts(text, block.start, block.end):
        page = None
        if block.page is not None:
            page = block.page + text.count("\f", block.start, start)
        record = start == block.start and block.kind == "record"
        yield _Span(start, end, page, _size(text[start:end]), record)


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield parts of about WORDS words that end where a sentence does, if any does so soon."""
    while _size(text[start : min(end, start + _LONGEST + 1)]) > _WHOLE:
        most = _WORDS.match(text, start, min(end, start + WORDS * _CHARACTERS))
        middle = most.end() if most else min(end, start + WORDS * _CHARACTERS)
        stop, begin = _sentence_end(text, start, middle, end)
        yield start, stop
        while begin < end and text[begin].isspace():
            begin += 1
        start = begin
    if start < end:
        yield start, end


def _sentence_end(text: str, start: int, middle: int, end: int) -> tuple[int, int]:
    """Return where a part ends, the nearest to `middle`, and where the next one begins."""
    low = start + (middle - start) // 2
    high = min(end, start + 2 * (middle - start))
    found = [each for each in boundaries(text, low, middle + 1) if low < each[0] <= middle]
    if found:
        return found[-1]
    after = next((each for each in boundaries(text, middle, high) if each[0] > low), None)
    if after is not None and after[1] < end:
        return after
    line, space = text.rfind("\n", low, middle), text.rfind(" ", low, middle)
    at = line if line > 0 else space
    return (at, at + 1) if at > 0 else (middle, middle)


def _size(text: str) -> int:
    """Return the words of a text; where it has few spaces, its characters by ten."""
    return max(len(text.split()), -(-len(text) // _CHARACTERS))


def _words_of(text: str) -> Callable[[str], bool]:
    """Return whether a document has a word; its words are looked for once, when asked."""

    @cache
    def words() -> frozenset[str]:
        return frozenset(found[0].lower() for found in _HYPHENATED.finditer(text))

    return lambda word: word in words()
