"""From the lines of pages to a document: paragraphs, headings, and what is repeated left out.

A paragraph ends at a wider gap, a change of size, an indented line, a list item, or a short line
that ends a sentence. It goes on over the end of a column or a page where its sentence does.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import groupby, pairwise
from statistics import median

from headwater.documents.converters.pdf_edges import without_edges
from headwater.documents.converters.pdf_line import Line
from headwater.documents.document import Block, Document, HeadingPath

Outline = list[tuple[int, int, str]]
"""Headings that a PDF lists: the page, from 1 on, the level, from 1 on, the words."""

_ENDS = re.compile(r"[.!?:]['\"”’)\]]*$")
_ITEM = re.compile(r"(?:[-•*·▪‣◦●○■□–]|\[\d+\]|\(?[a-zA-Z0-9]{1,2}[.)])\s+\S")
_CONTENTS = re.compile(r"(?:\.\s?){5,}\s*[\divxlc]+$")
_NUMBERING = re.compile(
    r"^(?:[A-Z]|\d+)(?:\.\d+)*\.?\s+|^(?:chapter|appendix|section)\s+\S+\s+", re.I
)
_NO_TITLE = re.compile(r"(?:table of )?contents$|preface$", re.IGNORECASE)
_LEVELS = 4
_LARGER = 1.15  # of a heading, than the text
_LONGEST = 200  # characters of a heading's line
_AGAIN = 2  # places on the first page that are as large as the title


def lay_out(pages: Sequence[list[Line]], outline: Outline) -> Document:
    """Make a document of the lines of pages."""
    lines = [line for page in without_edges(pages) for line in page]
    lines = [line for line in lines if not _CONTENTS.search(line.text)]
    levels = _levels_of_outline(lines, outline) or _levels_of_sizes(lines)
    gaps = _typical_gaps(lines)
    paragraphs: list[list[int]] = []
    for index, line in enumerate(lines):
        last = paragraphs[-1] if paragraphs else []
        same = bool(last) and levels.get(index) == levels.get(last[-1])
        if same and _goes_on([lines[each] for each in last], line, gaps[round(line.height)]):
            last.append(index)
        else:
            paragraphs.append([index])
    document = _written(lines, paragraphs, levels)
    document.title = _title(lines, paragraphs)
    return document


def _goes_on(paragraph: list[Line], line: Line, typical: float) -> bool:
    """Tell whether a line goes on with a paragraph."""
    last, em = paragraph[-1], max(paragraph[-1].height, 1.0)
    gap, indent = last.bottom - line.bottom, line.left - last.left
    ended = bool(_ENDS.search(last.text))
    if _ITEM.match(line.text) or abs(line.height - last.height) > 0.12 * em:
        return False
    if line.page != last.page or gap < -em:
        return not ended and (line.text[0].islower() or last.text[-1] in ",-")
    if gap < em / 2:  # on the same line
        return True
    if gap > 1.4 * typical:
        return False
    right = max(line.right, *(each.right for each in paragraph[-3:]), last.right)
    room = right - last.right
    full = room < 4 * em
    if not full and (ended or room > 0.3 * (right - last.left)):
        return False
    if indent > 0.8 * em:
        return len(paragraph) == 1 and full and (not ended or bool(_ITEM.match(last.text)))
    return indent > -0.8 * em or (len(paragraph) == 1 and full)


def _typical_gaps(lines: Sequence[Line]) -> dict[int, float]:
    """Return the usual distance of two lines, by their height."""
    found = defaultdict[int, list[float]](list)
    for last, line in pairwise(lines):
        gap = last.bottom - line.bottom
        if last.page == line.page and 0 < gap < 3 * line.height:
            found[round(line.height)].append(gap)
    usual = {height: median(gaps) for height, gaps in found.items() if len(gaps) > 2}
    return defaultdict(lambda: 1.3 * max(1, median(usual) if usual else 10), usual)


def _levels_of_outline(lines: Sequence[Line], outline: Outline) -> dict[int, int]:
    """Return the levels of the lines that the outline names, on one line or on two."""
    wanted: dict[int, dict[str, int]] = defaultdict(dict)
    for page, level, words in outline:
        wanted[page].setdefault(_key(words), level)
    levels: dict[int, int] = {}
    for index, line in enumerate(lines):
        titles = wanted.get(line.page)
        if not titles or len(line.text) > _LONGEST:
            continue
        key = _key(line.text)
        following = key + _key(lines[index + 1].text) if index + 1 < len(lines) else key
        if key and key in titles:
            levels.setdefault(index, titles.pop(key))
        elif key and following in titles:
            levels[index] = levels[index + 1] = titles.pop(following)
    return levels


def _key(words: str) -> str:
    return re.sub(r"[\W_]+", "", _NUMBERING.sub("", words.strip())).lower()


def _levels_of_sizes(lines: Sequence[Line]) -> dict[int, int]:
    """Return the levels of the lines that are larger than the text, the largest first."""
    sizes = Counter[float]()
    for line in lines:
        sizes[round(line.height, 1)] += len(line.text)
    text = max(sizes, key=lambda size: sizes[size], default=0.0)
    large = sorted({size for size in sizes if size >= _LARGER * text}, reverse=True)
    return {
        index: min(_LEVELS, 1 + large.index(round(line.height, 1)))
        for index, line in enumerate(lines)
        if round(line.height, 1) in large and 2 < len(line.text) <= _LONGEST
    }


def _title(lines: Sequence[Line], paragraphs: Sequence[list[int]]) -> str:
    """Return what is written largest on the first page, if it is larger than most of the text.

    What is written as large again and again there are headings.
    """
    usual = median(line.height for line in lines) if lines else 0
    first = [paragraph for paragraph in paragraphs if lines[paragraph[0]].page == lines[0].page]
    large = defaultdict[float, list[str]](list)
    for height, group in groupby(first, lambda each: round(lines[each[0]].height, 1)):
        if height > _LARGER * usual:
            words = " ".join(lines[index].text for paragraph in group for index in paragraph)
            large[height].append(words)
    for _, texts in sorted(large.items(), reverse=True):
        if len(texts) > _AGAIN:
            break
        if fitting := [each for each in texts if 2 < len(each) <= _LONGEST]:
            return next((each for each in fitting if not _NO_TITLE.match(each)), "")
    return ""


def _written(
    lines: Sequence[Line], paragraphs: Sequence[list[int]], levels: dict[int, int]
) -> Document:
    """Write the paragraphs, with a form feed at the start of each page but the first."""
    document, path = Document(wrapped=True), HeadingPath()
    parts, length, page = list[str](), 0, 1
    for number, paragraph in enumerate(paragraphs):
        start = 0
        for place, index in enumerate(paragraph):
            line = lines[index]
            between = "\n" if place else "\n\n" if number else ""
            between += "\f" * (line.page - page)
            parts += [between, line.text]
            start = length + len(between) if not place else start
            length += len(between) + len(line.text)
            page = line.page
        words = " ".join(lines[index].text for index in paragraph)
        if level := levels.get(paragraph[0]):
            path.enter(words, level)
        else:
            block = Block(start, length, path.headings, lines[paragraph[0]].page)
            document.blocks.append(block)
    document.text = "".join(parts)
    return document
