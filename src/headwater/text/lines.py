"""Lines that stand by themselves: list items, table rows, `key: value`.

A line break parts two texts where a paragraph ends or where one of the two lines is such a line. It
does not where a paragraph, or a list item, was wrapped at a fixed width.

>>> text = "Area: 12 km\\nCapital: Bern\\nThe river is long and it was wrapped\\nat a fixed width."
>>> [text[begin : begin + 7] for _, begin in line_ends(text, 0, len(text))]
['Capital', 'The riv']
"""

import re
from collections.abc import Iterator

SHORT_LINE = 45  # lines shorter than this were not broken by a fixed width
REACH = 1000  # the most characters of a line, or on either side of a span, that are looked at

_BREAK = re.compile(r"(?<![^\S\n])[^\S\n]*+\n\s*")
_ITEM = re.compile(r"(?:[-+*•·▪‣◦●○■□–#>]+|\d{1,3}[.)]|[A-Za-z]\)|\([A-Za-z0-9]{1,3}\))\s+\S")
_PAIR = re.compile(r"""["']?[^\W_](?:[^:=\n.!?]|\.(?=\w)){0,60}(?::(?=\s|$)|=(?!=))""")
_GAP = r"\t|(?<=[^\s.!?]) {3,}(?=\S)"  # tabs, columns set by spaces
_CELLS = re.compile(rf"\||{_GAP}")
_CELL_END = re.compile(rf"(?:^|(?<=\s))\|+(?=\s|$)|{_GAP}", re.MULTILINE)
_LINE = re.compile(r"[^|\n][^\n]*")
_NAME = re.compile(r"(?:^|(?<= \| ))[^\s|][^|\n]{0,300}?:(?= )", re.MULTILINE)
_RULE = re.compile(r"[\s=_*~#+:.─-╿-]{3,}")
_FIELD_END = re.compile(r"(?<=[^\s,;])(?!,\d{3}(?!\d))[,;](?=[^\s])")  # of CSV, but no 1,000


def line_ends(text: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield where a text ends at a line's end and the next one begins, from `low` to `high`.

    White space that reaches over these bounds counts whole.
    """
    low -= len(text[max(0, low - REACH) : low]) - len(text[max(0, low - REACH) : low].rstrip())
    high += len(text[high : high + REACH]) - len(text[high : high + REACH].lstrip())
    for found in _BREAK.finditer(text, low, high):
        if _parts(text, *found.span()):
            yield found.span()


def cell_ends(text: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield where a cell of a row ends and the next one begins, from `low` to `high`.

    Cells are set apart by tabs, by three spaces or more, or by `|` with white space around it. What
    reaches over these bounds counts whole.
    """
    for found in _CELL_END.finditer(text, max(0, low - REACH), high + REACH):
        if found.end() > low and found.start() < high:
            yield found.span()


def name_ends(text: str, low: int, high: int) -> Iterator[int]:
    """Yield where the names end in rows such as `name: Ada | born: 1815`, from `low` to `high`.

    Most cells of such a row have names, and it does not begin with `|`.
    """
    first = max(0, low - REACH)
    first = text.rfind("\n", first, low) + 1 or first
    for line in _LINE.finditer(text, first, high + REACH):
        if line.start() > first and text[line.start() - 1] == "|":
            continue
        found = [name.end() for name in _NAME.finditer(text, *line.span())]
        if 2 * len(found) > 1 + line[0].count(" | ") > 1:
            yield from (end for end in found if low < end < high)


def block_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the characters between the nearest `line_ends` on both sides of `text[start:end]`.

    Nothing farther than REACH characters from the span is looked at.
    """
    low, high = max(0, start - REACH), min(len(text), end + REACH)
    for stop, begin in line_ends(text, low, high):
        if begin <= start:
            low = begin
        elif stop >= end:
            return low, stop
    return low, high


def stands_alone(line: str) -> bool:
    """Tell whether a line is a list item, a table row or `key: value`."""
    line = line.strip()
    return bool(_ITEM.match(line) or _PAIR.match(line)) or _is_row(line)


def _parts(text: str, stop: int, begin: int) -> bool:
    """Tell whether the line break between `stop` and `begin` parts two texts."""
    space = text[stop:begin]
    if space.count("\n") > 1:
        return True
    low = max(0, stop - REACH)
    whole = text[text.rfind("\n", low, stop) + 1 or low : stop]
    line, following = whole.strip(), text[begin : begin + REACH].partition("\n")[0]
    if not line or not following:
        return False
    if _is_row(line) or _is_row(following) or _ITEM.match(following):
        return True
    pair, wrapped = _PAIR.match(line), following[0].islower()
    if _PAIR.match(following) and (pair or not wrapped):
        return True
    if not pair and not _ITEM.match(line):
        return False
    deeper = len(space) - space.rfind("\n") - 1 > len(whole) - len(whole.lstrip())
    return len(line) < SHORT_LINE and not wrapped and not deeper


def _is_row(line: str) -> bool:
    """Tell whether a line is a row of a table, or a rule between rows or paragraphs."""
    return bool(_CELLS.search(line) or _RULE.fullmatch(line) or len(_FIELD_END.findall(line)) > 1)
