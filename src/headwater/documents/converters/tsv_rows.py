"""`.tsv`: as `.csv`, with tabs."""

from headwater.documents.converters.csv_rows import rows
from headwater.documents.converters.plain_text import decoded
from headwater.documents.document import Document

VERSION = 1
LIBRARY: str | None = None


def convert(content: bytes) -> Document:
    """Make a document of a table with tabs."""
    return rows(decoded(content), "\t")
