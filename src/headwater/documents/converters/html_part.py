"""Which part of a page is its text, without menus and what else surrounds it.

trafilatura finds the text of a page, but of pages of documentation not all of it: it leaves out
headings, code and lists of definitions. So it only says where the text is. All is kept that stands
in the innermost element with all of what it found, but for menus. Where it finds nothing but
short texts, as in an index, lists of links are the text.
"""

import re
from copy import deepcopy
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from headwater.documents.converters.html_blocks import HEADINGS, INLINE, is_heading, words

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_UNSEEN = (
    *("script", "style", "noscript", "template", "svg", "iframe", "object", "audio", "video"),
    *("select", "input", "textarea", "datalist"),
)
_FURNITURE = ("nav", "header", "footer", "aside", "form")
_ROLES = ("navigation", "banner", "contentinfo", "search", "complementary")
_NO_TEXT = ("navigation", "search", "contentinfo")
_MENUS = ("ul", "ol", "dl", "table", "div", "section", "p")
_WAYS = frozenset(("next", "prev", "previous", "up", "contents", "index", "start", "home"))
"""Relations of links to other pages of a document."""

_SIGNS = ("toc", "top", "permalink")
_MENU_CLASS = re.compile(r"(?:^|\s)(?:nav|breadcrumb|toc(?:\s|$))", re.IGNORECASE)
_MENU = 300  # characters of a line of such links at most
_LINKS = 3  # of a menu at least
_LINKED = 0.8  # of a menu's characters
_SURE = 20  # characters by which a paragraph is known again
_SHORT = 250  # characters of pages in which trafilatura tells no menu from the text
_NO_WORD = re.compile(r"\W+")


def without_furniture(tree: "HtmlElement") -> None:
    """Take out what is not shown, marks beside headings, and links to neighbouring pages."""
    for element in list(tree.iter(*_UNSEEN)):
        element.drop_tree()
    for element in filter(_is_hidden, list(tree.iter())):
        element.drop_tree()
    for link in list(tree.iter("a")):
        if _is_mark(link):
            link.drop_tree()
    for menu in {found for link in tree.iter("a") if (found := _way(link)) is not None}:
        menu.drop_tree()


def text_part(tree: "HtmlElement") -> "HtmlElement":
    """Return the element with the text of a page; menus in it are taken out."""
    found = _found(tree)
    part = _pruned(deepcopy(tree), found)
    headings = filter(is_heading, part.iter(*HEADINGS))
    if _size("".join(part.itertext())) > sum(_size(words(each)) for each in headings):
        return part
    return _pruned(tree, found, menus=False)  # such as a chapter that only lists its sections


def _pruned(tree: "HtmlElement", found: frozenset[str], menus: bool = True) -> "HtmlElement":
    """Return the body without what surrounds the text and, if so wanted, without menus."""
    body = tree.find(".//body")
    body = tree if body is None else body
    measures = _measured(body, found)
    part, total = body, measures[body].found
    while total and (inner := _inner(part, measures, total)) is not None:
        part = inner
    menus = menus and (total > 0 or not found)
    for element in reversed(list(body.iter())):  # so that a menu is no more part of what holds it
        if element is not body and _is_left_out(element, part, measures, menus):
            for around in element.iterancestors():
                if around in measures:
                    measures[around].lose(measures[element])
            element.drop_tree()
    return body


def _is_hidden(element: "HtmlElement") -> bool:
    """Tell whether an element is not shown; a button in a heading opens what is below."""
    if element.tag in ("html", "body"):  # shown when the page has loaded
        return False
    if element.tag == "button":
        return not any(each.tag in HEADINGS for each in element.iterancestors())
    style = element.get("style", "").replace(" ", "").lower()
    return "hidden" in element.attrib or "display:none" in style


def _is_mark(link: "HtmlElement") -> bool:
    """Tell whether a link is a sign: `¶` for a place, or `[edit]` beside a heading."""
    text = "".join(link.itertext()).strip()
    if link.get("href", "").startswith("#") and text and not any(map(str.isalnum, text)):
        return True
    within = any(each.tag in (*HEADINGS, "dt") for each in link.iterancestors())
    return within and (text.lower() in _SIGNS or (text[:1] == "[" and text[-1:] == "]"))


def _way(link: "HtmlElement") -> "HtmlElement | None":
    """Return the line of links to the pages before and after that a link belongs to."""
    if not (_WAYS.intersection(link.get("rel", "").lower().split()) or link.get("accesskey")):
        return None
    line = None
    for around in link.iterancestors(*_MENUS):
        if any(size > _MENU for size in accumulate(map(len, around.itertext()))):
            break
        line = around
    return line


def _found(tree: "HtmlElement") -> frozenset[str]:
    """Return the paragraphs that trafilatura finds, without what is between words."""
    from trafilatura import bare_extraction

    found = bare_extraction(
        deepcopy(tree), include_comments=False, include_tables=True, favor_recall=True, fast=True
    )
    body = getattr(found, "body", None)
    if body is None or len("".join(map(str, body.itertext()))) < _SHORT:
        return frozenset()
    return frozenset(_key(element) for element in body.iter())


def _key(element: "HtmlElement") -> str:
    return _NO_WORD.sub("", "".join(map(str, element.itertext())))


@dataclass(slots=True)
class _Measure:
    """Of an element: its characters, those of links, its links, and characters that were found."""

    size: int = 0
    linked: int = 0
    links: int = 0
    found: int = 0

    def lose(self, other: "_Measure") -> None:
        """Go without an element in this one that was not found."""
        self.size -= other.size
        self.linked -= other.linked
        self.links -= other.links


def _measured(body: "HtmlElement", found: frozenset[str]) -> "dict[HtmlElement, _Measure]":
    longest = max(map(len, found), default=0)
    measures: dict[HtmlElement, _Measure] = {}
    for element in reversed(list(body.iter())):
        measure = measures[element] = _Measure(_size(element.text))
        for child in element:
            inner = measures[child]
            measure.size += inner.size + _size(child.tail)
            measure.linked += inner.linked
            measure.links += inner.links
            measure.found += inner.found
        if element.tag == "nav" or element.get("role") in _NO_TEXT:
            measure.found = 0  # the titles of a menu stand in the text as well
        elif element.tag == "a" and element.get("href"):
            measure.linked, measure.links = measure.size, 1
        elif _is_known(element, measure.size, found, longest):
            measure.found = measure.size
    return measures


def _is_known(element: "HtmlElement", size: int, found: frozenset[str], longest: int) -> bool:
    """Tell whether an element is a paragraph that was found."""
    if element.tag in INLINE or not _SURE <= size <= 2 * longest:
        return False
    return _key(element) in found and all(each.tag in INLINE for each in element.iterdescendants())


def _size(text: str | None) -> int:
    return len("".join(text.split())) if text else 0


def _inner(
    part: "HtmlElement", measures: "dict[HtmlElement, _Measure]", total: int
) -> "HtmlElement | None":
    """Return the element in another one that holds all of what was found."""
    return next((each for each in part if measures[each].found == total), None)


def _is_left_out(
    element: "HtmlElement",
    part: "HtmlElement",
    measures: "dict[HtmlElement, _Measure]",
    menus: bool,
) -> bool:
    """Tell whether an element stands outside of the text, or surrounds it, or is a menu in it."""
    measure = measures[element]
    if measure.found:
        return False
    if not any(each is part for each in element.iterancestors()):
        return measures[part].found > 0
    if element.tag in _FURNITURE or element.get("role") in _ROLES:
        return True
    if element.tag in INLINE or not menus:
        return False
    if _MENU_CLASS.search(element.get("class", "")):
        return True
    return measure.links >= _LINKS and measure.linked >= _LINKED * measure.size
