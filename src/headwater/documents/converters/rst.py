"""`.rst`: headings by their underlines, in the order of their first use; comments are left out."""

import re
from collections.abc import Iterator

from headwater.documents.converters.plain_text import decoded, paragraphs
from headwater.documents.document import Block, Document, HeadingPath

VERSION = 1
LIBRARY: str | None = None

_LINE = re.compile(r"""([=\-`:'"~^_*+#<>.])\1+[ \t]*$""")
_NO_TEXT = re.compile(r"\.\. (_[^:\n]*:|index::|highlight::|currentmodule::|\|)|\.\.\s*$")


def convert(content: bytes) -> Document:
    """Make a document of reStructuredText; its title is the first heading."""
    text = decoded(content)
    path, blocks, levels, title = HeadingPath(), list[Block](), list[str](), ""
    last = 0
    for start, end, style, heading in _headings(text):
        blocks += _blocks(text, last, start, path.headings)
        if style not in levels:
            levels.append(style)
        path.enter(heading, levels.index(style))
        title = title or heading
        last = end
    blocks += _blocks(text, last, len(text), path.headings)
    return Document(title, text, blocks)


def _headings(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield where each heading starts and ends, its style of underline, and its words."""
    starts, lines, offset = list[int](), text.split("\n"), 0
    for line in lines:
        starts.append(offset)
        offset += len(line) + 1
    for number in range(1, len(lines)):
        under, words = _LINE.fullmatch(lines[number]), lines[number - 1].rstrip()
        if not under or len(lines[number].rstrip()) < len(words.strip()) or not words.strip():
            continue
        if _LINE.fullmatch(words):
            continue
        over = number > 1 and lines[number - 2].rstrip() == lines[number].rstrip()
        if not over and (words[0].isspace() or (number > 1 and lines[number - 2].strip())):
            continue  # a table's rule, or the end of a paragraph
        start = starts[number - 2] if over else starts[number - 1]
        end = min(len(text), starts[number] + len(lines[number]) + 1)
        yield start, end, under[1] + ("over" if over else ""), words.strip()


def _blocks(text: str, start: int, end: int, headings: tuple[str, ...]) -> Iterator[Block]:
    for low, high in paragraphs(text, start, end):
        if not _NO_TEXT.match(text, low, high):
            yield Block(low, high, headings)
