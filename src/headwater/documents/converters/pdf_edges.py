"""What stands at the top or the bottom of page after page: headers, footers, numbers.

A line at the edge of a page is left out where the same text, whatever its numbers, stands at the
edge of other pages nearby; and where it stands apart from the text, at a height at which lines of
most pages do. So is what stands in one place of most pages, such as a watermark.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from headwater.documents.converters.pdf_line import Line

_NUMBERS = re.compile(r"\d+|\b[ivxlc]+\b")
_EDGE = 2  # lines from the top or the bottom
_NEAR = 2  # pages: left and right ones may differ
_STEPS = [step for step in range(-_NEAR, _NEAR + 1) if step]
_REPEATED = 3  # times
_PAGES = 4  # from which on heights are compared


def without_edges(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """Return the lines of each page without what is repeated, unless nothing else is there."""
    left_out = _repeated(pages) | _apart(pages) | _in_one_place(pages)
    kept = [
        [line for index, line in enumerate(page) if (number, index) not in left_out]
        for number, page in enumerate(pages)
    ]
    return kept if any(kept) else list(pages)


def _edges(page: list[Line]) -> tuple[list[int], list[int]]:
    """Return the lines at the top of a page and at its bottom, the outermost first."""
    order = sorted(range(len(page)), key=lambda index: -page[index].bottom)
    return order[:_EDGE], order[::-1][:_EDGE]


def _repeated(pages: Sequence[list[Line]]) -> set[tuple[int, int]]:
    found = defaultdict[str, list[tuple[int, int]]](list)
    for number, page in enumerate(pages):
        top, bottom = _edges(page)
        for index in {*top, *bottom}:
            found[_NUMBERS.sub("#", page[index].text.lower())].append((number, index))
    left_out = set[tuple[int, int]]()
    for places in found.values():
        numbers = {number for number, _ in places}
        if len(numbers) >= _REPEATED:
            left_out |= {
                (number, index)
                for number, index in places
                if any(number + step in numbers for step in _STEPS)
            }
    return left_out


def _apart(pages: Sequence[list[Line]]) -> set[tuple[int, int]]:
    """Return the outermost lines at the heights where most pages have one apart from the text."""
    if len(pages) < _PAGES:
        return set()
    left_out = set[tuple[int, int]]()
    for side in (0, 1):
        at, apart = Counter[int](), Counter[int]()
        places = defaultdict[int, list[tuple[int, int]]](list)
        for number, page in enumerate(pages):
            edge = _edges(page)[side]
            if len(edge) < 2:
                continue
            first, second = page[edge[0]], page[edge[1]]
            height = round(first.bottom)
            at[height] += 1
            if abs(first.bottom - second.bottom) > 1.8 * max(first.height, second.height):
                apart[height] += 1
                places[height].append((number, edge[0]))
        for height, count in at.items():
            if count * 2 >= len(pages) and apart[height] >= 0.8 * count:
                left_out.update(places[height])
    return left_out


def _in_one_place(pages: Sequence[list[Line]]) -> set[tuple[int, int]]:
    found = defaultdict[tuple[str, int, int], list[tuple[int, int]]](list)
    for number, page in enumerate(pages):
        for index, line in enumerate(page):
            found[line.text, round(line.bottom), round(line.left)].append((number, index))
    least = max(_PAGES, len(pages) / 2)
    return {place for places in found.values() if len(places) >= least for place in places}
