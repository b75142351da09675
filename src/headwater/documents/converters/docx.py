"""`.docx`: paragraphs and tables in their order, by python-docx."""

from io import BytesIO
from typing import TYPE_CHECKING

from headwater.documents.converters import zipped
from headwater.documents.document import Document, Writer

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

VERSION = 1
LIBRARY: str | None = "docx"


def convert(content: bytes) -> Document:
    """Make a document of a Word file."""
    import docx
    from docx.table import Table

    zipped.opened(content).close()
    source = docx.Document(BytesIO(content))
    writer, title = Writer(), ""
    for part in source.iter_inner_content():
        if isinstance(part, Table):
            _write_table(part, writer)
        elif _write_paragraph(part, writer) == 0:
            title = title or part.text
    return writer.document(source.core_properties.title or title)


def _write_paragraph(paragraph: "Paragraph", writer: Writer) -> int | None:
    """Write a paragraph, and return the level of a heading: 0 for a title."""
    style = paragraph.style.name if paragraph.style is not None else None
    level = _level(style or "")
    if level is None:
        writer.paragraph(paragraph.text)
    else:
        writer.heading(paragraph.text, level)
    return level


def _level(style: str) -> int | None:
    if style == "Title":
        return 0
    number = style.removeprefix("Heading ")
    return int(number) if number != style and number.isdigit() else None


def _write_table(table: "Table", writer: Writer) -> None:
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    names = rows[0] if len(rows) > 1 else []
    for row in rows[1:] if names else rows:
        writer.row(names, row)
