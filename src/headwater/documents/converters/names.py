"""Which converter reads which files, by the ends of their names."""

from pathlib import Path

from headwater.documents.converters import (
    csv_rows,
    docx,
    email_message,
    epub,
    html,
    json_lines,
    markdown,
    pdf,
    plain_text,
    rst,
    tsv_rows,
)
from headwater.documents.converters.converter import Converter
from headwater.documents.converters.library import installed
from headwater.text_files import suffix_of

CONVERTERS: dict[str, Converter] = {
    ".txt": plain_text,
    ".text": plain_text,
    ".md": markdown,
    ".markdown": markdown,
    ".rst": rst,
    ".html": html,
    ".htm": html,
    ".xhtml": html,
    ".pdf": pdf,
    ".docx": docx,
    ".csv": csv_rows,
    ".tsv": tsv_rows,
    ".jsonl": json_lines,
    ".epub": epub,
    ".eml": email_message,
}


def converter_of(file: Path) -> Converter | None:
    """Return the converter of a file, which may be compressed (`.txt.gz`), by its name."""
    return CONVERTERS.get(suffix_of(file))


def version_of(converter: Converter) -> str:
    """Return what made a text: the converter, its version, and that of its library.

    >>> version_of(plain_text)
    'plain_text 1'
    """
    name = f"{converter.__name__.rpartition('.')[2]} {converter.VERSION}"
    return name if converter.LIBRARY is None else f"{name}, {installed(converter.LIBRARY)}"
