"""`.txt`: paragraphs are parted by blank lines."""

import re

from headwater.documents.document import Block, Document
from headwater.errors import UserError
from headwater.text_files import encoding_fault

VERSION = 1
LIBRARY: str | None = None

_BLANK = re.compile(r"\n[^\S\n]*\n\s*|\f\s*")


def convert(content: bytes) -> Document:
    """Make a document of a text."""
    text = decoded(content)
    return Document(text=text, blocks=[Block(start, end) for start, end in paragraphs(text)])


def decoded(content: bytes) -> str:
    """Return the text of UTF-8, without a mark at its start; lines end in a line feed."""
    if fault := encoding_fault(content):
        line = 1 + content.count(b"\n", 0, fault[1])
        raise UserError(f"line {line}: {fault[0]}")
    text = content.decode("utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def paragraphs(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Return where the paragraphs of a text start and end, from `start` to `end`."""
    found = []
    end = len(text) if end is None else end
    first = start
    for blank in _BLANK.finditer(text, start, end):
        found.append((first, blank.start()))
        first = blank.end()
    found.append((first, end))
    return [_trimmed(text, low, high) for low, high in found if text[low:high].strip()]


def _trimmed(text: str, low: int, high: int) -> tuple[int, int]:
    part = text[low:high]
    line = len(part) - len(part.lstrip())
    return low + line, high - (len(part) - len(part.rstrip()))
