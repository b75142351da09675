"""`.jsonl`: a line is a passage, `name: value | name: value`; its long texts are paragraphs.

A line's `title` is its heading, so that a corpus of texts with titles is a file of documents.
"""

import json
from typing import Any

from headwater.documents.converters.plain_text import decoded, paragraphs
from headwater.documents.document import Document, Writer, row_text
from headwater.errors import listed

VERSION = 1
LIBRARY: str | None = None

_LONG = 200  # characters: a longer value is a text of its own
_TITLES = ("title", "name", "heading")


def convert(content: bytes) -> Document:
    """Make a document of lines of JSON."""
    writer, broken = Writer(), list[int]()
    for number, line in enumerate(decoded(content).split("\n"), 1):
        if not line or line.isspace():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            broken.append(number)
        else:
            _write(writer, value)
    document = writer.document()
    if broken:
        document.note = f"lines that are not JSON: {listed(broken, 3)}"
    return document


def _write(writer: Writer, value: Any) -> None:
    fields = value if isinstance(value, dict) else {"": value}
    texts = {name: _text(each) for name, each in fields.items() if each is not None}
    named = next((name for name in _TITLES if isinstance(fields.get(name), str)), None)
    long = [name for name, text in texts.items() if len(text) > _LONG or "\n\n" in text]
    writer.path.leave()
    if named is not None and (title := " ".join(texts[named].split())):
        writer.path.enter(title, 1)
    short = [name for name in texts if name not in long and not (long and name == named)]
    parts = [row_text(short, [texts[name] for name in short])]
    for name in long:
        text = texts[name].replace("\r\n", "\n")
        parts += [text[start:end] for start, end in paragraphs(text)]
    for index, part in enumerate(part for part in parts if part):
        writer.paragraph(part, "paragraph" if index else "record")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
