"""The lines of a page of a PDF with their places, by pypdfium2."""

import re
from collections.abc import Iterator
from ctypes import c_double, c_void_p, cast
from typing import TYPE_CHECKING, final

from headwater.documents.converters.pdf_line import Line

if TYPE_CHECKING:
    from pypdfium2 import PdfTextPage

_HYPHEN = "\ufffe"  # what pdfium writes for a hyphen that ends a line
_LINE = re.compile(rf"((?:[^\r\n{_HYPHEN}]|\r(?!\n))*)({_HYPHEN}|\r?\n|\Z)")
_LIGATURES = str.maketrans("\x0b\x0c\r\x0e\x0f", "ﬀﬁﬂﬃﬄ")
"""Where TeX's fonts have them (Knuth 1986, "The TeXbook", appendix F), if a PDF says no more."""


@final
class PageReader:
    """Reads the lines of pages.

    A font of pictures (Type 3, such as those of dvips) has no measures: pdfium gives the box of
    each glyph. Its height is that of its tallest glyphs, and known when all pages are read.
    """

    def __init__(self) -> None:
        self._pictures: dict[int, tuple[float, float]] = {}

    def lines(self, page: "PdfTextPage", number: int) -> Iterator[Line]:
        """Yield the lines of a page in the order of reading; `sized` makes them whole."""
        from pypdfium2 import raw

        first, last = raw.FS_RECTF(), raw.FS_RECTF()
        for found in _LINE.finditer(page.get_text_range()):
            inside = found[1].translate(_LIGATURES)
            text = inside.strip()
            if not text:
                continue
            start = found.start() + len(inside) - len(inside.lstrip())
            places = range(start, start + len(text))
            for place, box in ((places[0], first), (places[-1], last)):
                raw.FPDFText_GetLooseCharBox(page.raw, _index(page, place), box)
            bottom, height, font = first.bottom, abs(first.top - first.bottom), 0
            if _is_picture(page, _index(page, start), height):
                bottom, font = self._measure(page, places)
            if found[2] == _HYPHEN:
                text += "-"
            yield Line(text, first.left, last.right, bottom, height, number, font)

    def sized(self, line: Line) -> Line:
        """Return a line with the height of its font."""
        if not line.font:
            return line
        top, bottom = self._pictures[line.font]
        return line._replace(height=top - bottom)

    def _measure(self, page: "PdfTextPage", places: range) -> tuple[float, int]:
        """Measure the glyphs of a line; return the height it stands at, and its first font."""
        from pypdfium2 import raw

        box, x, y, base, font = raw.FS_RECTF(), c_double(), c_double(), 0.0, 0
        for place in places:
            index = _index(page, place)
            glyph = raw.FPDFText_GetTextObject(page.raw, index)
            key = cast(raw.FPDFTextObj_GetFont(glyph), c_void_p).value if glyph else None
            if key is None:  # a space that pdfium has put between words
                continue
            raw.FPDFText_GetLooseCharBox(page.raw, index, box)
            raw.FPDFText_GetCharOrigin(page.raw, index, x, y)
            top, bottom = self._pictures.get(key, (0.0, 0.0))
            self._pictures[key] = max(top, box.top - y.value), min(bottom, box.bottom - y.value)
            base, font = (base, font) if font else (y.value, key)
        return base, font


def _index(page: "PdfTextPage", place: int) -> int:
    """Return the number of a character of the text among those of the page."""
    from pypdfium2 import raw

    index: int = raw.FPDFText_GetCharIndexFromTextIndex(page.raw, place)
    return index


def _is_picture(page: "PdfTextPage", index: int, height: float) -> bool:
    """Tell whether a glyph's loose box, of a height, is no higher than what is drawn."""
    from pypdfium2 import raw

    left, right, bottom, top = (c_double() for _ in range(4))
    raw.FPDFText_GetCharBox(page.raw, index, left, right, bottom, top)
    return abs(top.value - bottom.value - height) < 0.01
