"""`.csv`: a row is a passage, `name: cell | name: cell`, with the names of the first row."""

import csv
import sys
from io import StringIO

from headwater.documents.converters.plain_text import decoded
from headwater.documents.document import Document, Writer
from headwater.errors import UserError

VERSION = 1
LIBRARY: str | None = None


def convert(content: bytes) -> Document:
    """Make a document of a table with commas or semicolons."""
    text = decoded(content)
    first = text.partition("\n")[0]
    return rows(text, ";" if first.count(";") > first.count(",") else ",")


def rows(text: str, delimiter: str) -> Document:
    """Make a document of a table's rows."""
    csv.field_size_limit(sys.maxsize)
    writer = Writer()
    table = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = next(table, [])
        for cells in table:
            writer.row(names, cells, "record")
    except csv.Error as error:
        raise UserError(f"line {table.line_num}: broken table ({error})") from None
    return writer.document()
