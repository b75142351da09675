"""`.pdf`: `pdf_page` gives the lines of each page with their places, `pdf_layout` paragraphs."""

import re
from typing import TYPE_CHECKING

from headwater.documents.converters.pdf_layout import Outline, lay_out
from headwater.documents.converters.pdf_line import Line
from headwater.documents.converters.pdf_page import PageReader
from headwater.documents.document import Document
from headwater.errors import UserError, listed

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

VERSION = 3
LIBRARY: str | None = "pypdfium2"

_PASSWORD = 4  # pdfium's number of that error
_NO_TITLE = re.compile(
    r"(?:untitled.*|microsoft \w+ - .*|\S+\.(?:docx?|dvi|fm|html?|indd|odt|e?ps|pdf|rtf|tex|txt))?",
    re.IGNORECASE,
)
"""What programs write for a title, after the name of a file."""

_SCANNED = "no text; its pages may be pictures, of which OCR such as ocrmypdf makes text"


def convert(content: bytes) -> Document:
    """Make a document of a PDF."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD:
            raise UserError("encrypted; save it without a password") from None
        raise UserError("broken; no PDF reader may open it") from None
    with pdf:
        pages, faulty = _pages(pdf)
        if not any(pages):
            raise UserError("broken; no page of it can be read" if faulty else _SCANNED)
        document = lay_out(pages, _outline(pdf))
        named = pdf.get_metadata_value("Title").strip()
        document.title = document.title if _NO_TITLE.fullmatch(named) else named
    empty = [number for number, page in enumerate(pages, 1) if not page and number not in faulty]
    notes = [("pages that cannot be read", faulty), ("pages without text", empty)]
    document.note = "; ".join(f"{what}: {listed(found, 5)}" for what, found in notes if found)
    return document


def _pages(pdf: "PdfDocument") -> tuple[list[list[Line]], list[int]]:
    """Return the lines of every page, and the numbers of those that cannot be read."""
    from pypdfium2 import PdfiumError

    reader, pages, faulty = PageReader(), list[list[Line]](), list[int]()
    for number in range(1, len(pdf) + 1):
        try:
            page = pdf[number - 1]
            text = page.get_textpage()
            pages.append(list(reader.lines(text, number)))
            text.close()
            page.close()
        except PdfiumError:
            pages.append([])
            faulty.append(number)
    return [list(map(reader.sized, page)) for page in pages], faulty


def _outline(pdf: "PdfDocument") -> Outline:
    """Return the headings of the outline: page, level and words."""
    from pypdfium2 import PdfiumError

    found: Outline = []
    try:
        for mark in pdf.get_toc():
            target = mark.get_dest()
            page = target.get_index() if target is not None else None
            if page is not None:
                found.append((page + 1, mark.level + 1, mark.get_title()))
    except PdfiumError:
        return []
    return found
