"""From the elements of a page to headings, paragraphs and rows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headwater.documents.document import Writer

if TYPE_CHECKING:
    from lxml.html import HtmlElement

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
INLINE = frozenset((
    *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn"),
    *("em", "font", "i", "img", "ins", "kbd", "label", "mark", "math", "q", "rp", "rt", "ruby"),
    *("s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var"),
    "wbr",
))  # fmt: skip
"""Elements that stand in a line; all others begin one."""

_LONGEST = 300  # characters of a heading; with more, its end is missing
_CELLS = ("td", "th")
_MOST = 1000  # columns or rows that a cell may span


def words(element: "HtmlElement") -> str:
    """Return the text of an element on one line."""
    return " ".join("".join(_texts(element)).split())


def is_heading(element: "HtmlElement") -> bool:
    """Tell whether an element is a heading, and not one that the rest of a page stands in."""
    return element.tag in HEADINGS and len(words(element)) <= _LONGEST


def write_blocks(element: "HtmlElement", writer: Writer) -> None:
    """Write what stands in an element, a paragraph for each block and each text between them."""
    inline = [element.text or ""]

    def flush() -> None:
        writer.paragraph(" ".join("".join(inline).split()))
        inline.clear()

    for child in element:
        if _is_block(child):
            flush()
            _write_block(child, writer)
        else:
            inline += _texts(child)
        inline.append(child.tail or "")
    flush()


def _texts(element: "HtmlElement") -> Iterator[str]:
    """Yield the texts in an element, with a space around blocks."""
    between = " " if element.tag not in INLINE or element.tag == "br" else ""
    yield between
    yield element.text or ""
    for child in element:
        yield from _texts(child)
        yield child.tail or ""
    yield between


def _is_block(element: "HtmlElement") -> bool:
    return any(each.tag not in INLINE for each in element.iter())


def _write_block(element: "HtmlElement", writer: Writer) -> None:
    if is_heading(element):
        writer.heading(words(element), int(element.tag[1]))
    elif element.tag == "pre":
        writer.paragraph("".join(map(str, element.itertext())).strip("\n"))
    elif element.tag == "table" and not _is_layout(element):
        _write_table(element, writer)
    else:
        write_blocks(element, writer)


def _is_layout(table: "HtmlElement") -> bool:
    """Tell whether a table only places things: others, headings, or one column."""
    if next(table.iterdescendants("table", *HEADINGS), None) is not None:
        return True
    return all(len(_cells(row)) < 2 for row in table.iter("tr"))


def _write_table(table: "HtmlElement", writer: Writer) -> None:
    for caption in table.iter("caption"):
        writer.paragraph(words(caption))
    rows = [row for row in table.iter("tr") if words(row)]
    texts = list(_rows(rows))
    names = texts[0] if len(rows) > 1 and _is_header(rows[0]) else []
    for row in texts[1:] if names else texts:
        writer.row(names, row)


def _rows(rows: "list[HtmlElement]") -> Iterator[list[str]]:
    """Yield the texts of cells, each in its column; one that spans rows stands in each."""
    above = dict[int, tuple[int, str]]()
    for row in rows:
        texts, below = list[str](), dict[int, tuple[int, str]]()
        for cell in (*_cells(row), None):
            while (column := len(texts)) in above:
                left, text = above[column]
                texts.append(text)
                if left > 1:
                    below[column] = left - 1, text
            if cell is not None:
                text, down = words(cell), _span(cell, "rowspan") - 1
                if down:
                    below[len(texts)] = down, text
                texts += [text, *[""] * (_span(cell, "colspan") - 1)]
        yield texts
        above = below


def _span(cell: "HtmlElement", name: str) -> int:
    number = cell.get(name, "").strip()
    return max(1, min(int(number), _MOST)) if number.isdecimal() else 1


def _is_header(row: "HtmlElement") -> bool:
    """Tell whether a row names columns: by its place, or by its cells."""
    if any(each.tag == "thead" for each in row.iterancestors()):
        return True
    return all(cell.tag == "th" or _is_bold(cell) for cell in _cells(row))


def _is_bold(cell: "HtmlElement") -> bool:
    return words(cell) == " ".join(map(words, cell.iter("b", "strong")))


def _cells(row: "HtmlElement") -> "list[HtmlElement]":
    return list(row.iterchildren(*_CELLS))
