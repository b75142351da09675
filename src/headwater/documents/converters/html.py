"""`.html`: the part of a page that is its text, with its headings, lists, code and tables."""

from typing import TYPE_CHECKING

from headwater.documents.converters.html_blocks import HEADINGS, words, write_blocks
from headwater.documents.converters.html_part import text_part, without_furniture
from headwater.documents.document import Document, Writer
from headwater.errors import UserError

if TYPE_CHECKING:
    from lxml.html import HtmlElement

VERSION = 3
LIBRARY: str | None = "trafilatura"


def convert(content: bytes) -> Document:
    """Make a document of a page."""
    writer = Writer()
    return writer.document(write_page(content, writer))


def write_page(content: bytes | str, writer: Writer) -> str:
    """Write the text of a page, and return its title."""
    from trafilatura.utils import load_html

    tree = load_html(content)
    if tree is None:
        raise UserError("not HTML that can be read")
    title = _first(tree, "title")
    without_furniture(tree)
    first = _first(tree, "h1") or _heading_in(tree, title)
    part = text_part(tree)
    if first and not any(words(heading) == first for heading in part.iter(*HEADINGS)):
        writer.heading(first, 1)
    write_blocks(part, writer)
    return title or first


def _first(tree: "HtmlElement", name: str) -> str:
    """Return the words of the first element of a name."""
    found = tree.find(f".//{name}")
    return "" if found is None else words(found)


def _heading_in(tree: "HtmlElement", title: str) -> str:
    """Return the first heading of a lower level that the title repeats."""
    found = (words(each) for each in tree.iter(*HEADINGS[1:4]))
    return next((each for each in found if each and each in title), "")
