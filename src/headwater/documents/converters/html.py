"""`.html`: trafilatura finds the text, without menus and footers; title and h1 are taken beside it.

trafilatura gives a tree of `head`, `p`, `list`, `item`, `code`, `quote`, `table`, `row`, `cell`.
"""

from typing import TYPE_CHECKING

from headwater.documents.document import Document, Writer
from headwater.errors import UserError

if TYPE_CHECKING:
    from lxml.etree import _Element

VERSION = 1
LIBRARY: str | None = "trafilatura"

_BLOCKS = ("p", "list", "item", "table", "head", "quote", "div", "ab", "code")
_NO_TEXT = ("head", "nav", "header", "footer", "aside", "script", "style", "noscript", "form")
_NAMES = {
    **{f"h{level}": "head" for level in range(1, 7)},
    **{"ul": "list", "ol": "list", "dl": "list", "li": "item", "dt": "item", "dd": "item"},
    **{"tr": "row", "td": "cell", "th": "cell", "blockquote": "quote", "pre": "code", "br": "lb"},
    **{"body": "div", "main": "div", "article": "div", "section": "div"},
}
"""The names of HTML in trafilatura's words."""

_SHORT = 250  # characters of pages in which trafilatura tells no menu from the text
_PARAGRAPH_MARK = "¶"  # at the end of headings, a link to the place


def convert(content: bytes) -> Document:
    """Make a document of a page."""
    writer = Writer()
    return writer.document(write_page(content, writer))


def write_page(content: bytes | str, writer: Writer) -> str:
    """Write the text of a page, and return its title."""
    from trafilatura import bare_extraction
    from trafilatura.utils import load_html

    tree = load_html(content)
    if tree is None:
        raise UserError("not HTML that can be read")
    title = _first(tree, "title")
    first = _first(tree, "h1") or _heading_in(tree, title)
    found = bare_extraction(
        tree, include_comments=False, include_tables=True, favor_recall=True, fast=True
    )
    body = getattr(found, "body", None)
    if body is None or len("".join(map(str, body.itertext()))) < _SHORT:
        body = _whole(tree)
    if first and not _has_first(body, first):
        writer.heading(first, 1)
    _write(body, writer)
    return title or first


def _whole(tree: "_Element") -> "_Element":
    """Return the whole page as such a tree, without its menus."""
    for element in list(tree.iter(*_NO_TEXT)):
        element.drop_tree()
    for name, new in _NAMES.items():
        for element in tree.iter(name):
            element.tag = new
            element.set("rend", name)
    return tree


def _first(tree: "_Element", name: str) -> str:
    """Return the words of the first element of a name."""
    found = tree.find(f".//{name}")
    return "" if found is None else _words(found)


def _heading_in(tree: "_Element", title: str) -> str:
    """Return the first heading of a lower level that the title repeats."""
    found = (_words(each) for each in tree.iter("h2", "h3", "h4"))
    return next((words for words in found if words and words in title), "")


def _has_first(body: "_Element", words: str) -> bool:
    return any(_words(head) == words for head in body.iter("head"))


def _words(element: "_Element") -> str:
    return _plain("".join(map(str, element.itertext())))


def _plain(text: str) -> str:
    return " ".join(text.split()).removesuffix(_PARAGRAPH_MARK).rstrip()


def _write(element: "_Element", writer: Writer) -> None:
    """Write what stands in an element, a paragraph for each block and each text between them."""
    inline = [element.text or ""]

    def flush() -> None:
        writer.paragraph(_plain("".join(inline)))
        inline.clear()

    for child in element:
        name = child.tag if isinstance(child.tag, str) else ""
        if name not in _BLOCKS or (name == "code" and "\n" not in "".join(child.itertext())):
            inline += ["\n" if name == "lb" else "".join(map(str, child.itertext()))]
        else:
            flush()
            _write_block(child, name, writer)
        inline.append(child.tail or "")
    flush()


def _write_block(element: "_Element", name: str, writer: Writer) -> None:
    if name == "head":
        level = element.get("rend", "h2")[-1:]
        writer.heading(_words(element), int(level) if level.isdigit() else 2)
    elif name == "code":
        writer.paragraph("".join(map(str, element.itertext())))
    elif name == "table":
        _write_table(element, writer)
    else:
        _write(element, writer)


def _write_table(table: "_Element", writer: Writer) -> None:
    rows = [[_words(cell) for cell in row.iter("cell")] for row in table.iter("row")]
    rows = [row for row in rows if any(row)]
    names = rows[0] if len(rows) > 1 and len(rows[0]) > 1 else []
    for row in rows[1:] if names else rows:
        writer.row(names, row)
