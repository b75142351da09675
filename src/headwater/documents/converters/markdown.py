"""`.md`: headings by `#` or underlines, fenced code, tables; the text stays as it is written.

Paragraphs that are comments, or say where links lead, are left out. Front matter, which is YAML
between two lines of `---` at the start, is a paragraph; its `title` is that of the document.
"""

import re
from collections.abc import Iterator

from headwater.documents.converters.plain_text import decoded, paragraphs
from headwater.documents.document import LONGEST, Block, Document, HeadingPath

VERSION = 4
LIBRARY: str | None = None

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"^ {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*$")
_MARKS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)|\[([^\]]*)\]\([^)]*\)|\\([!-/:-@\[-`{-~])")
_FRONT = re.compile(
    r"---[ \t]*\n((?:(?!---[ \t]*\n|\.\.\.[ \t]*\n)(?:[ \t#-].*|\w[\w-]*:.*)?\n)+)"
    r"(?:---|\.\.\.)[ \t]*(?:\n|\Z)"
)
_FRONT_TITLE = re.compile(r"^title:[ \t]*([\"']?)(.+?)\1[ \t]*$", re.MULTILINE)
_NO_TEXT = re.compile(
    r"(?:<!--(?:(?!-->).)*-->\s*|\[[^\]\n]+\]:[ \t]*\S[^\n]*(?:\n|\Z))+\Z", re.DOTALL
)


def convert(content: bytes) -> Document:
    """Make a document of Markdown; its title is the first heading of the highest level."""
    text = decoded(content)
    path, blocks, titles = HeadingPath(), list[Block](), list[tuple[int, str]]()
    last = 0
    if front := _FRONT.match(text):
        blocks += _blocks(text, front.start(1), front.end(1), ())
        titles += [(0, found[2]) for found in _FRONT_TITLE.finditer(front[1])]
        last = front.end()
    for start, end, level, heading in _headings(text, last):
        blocks += _blocks(text, last, start, path.headings)
        path.enter(heading, level)
        titles.append((level, heading))
        last = end
    blocks += _blocks(text, last, len(text), path.headings)
    title = min(titles, key=lambda each: each[0], default=(0, ""))[1]
    return Document(title, text, blocks)


def _headings(text: str, begin: int) -> Iterator[tuple[int, int, int, str]]:
    """Yield where each heading from `begin` on starts and ends, its level and its words."""
    fence, offset, before = "", begin, ""
    for line in text[begin:].splitlines(keepends=True):
        start, offset = offset, offset + len(line)
        bare = line.rstrip("\n")
        if mark := _FENCE.match(bare):
            if not fence:
                fence = mark[1]
            elif bare.strip().startswith(fence) and not bare.strip(" `~"):
                fence = ""
        elif not fence:
            if (found := _HEADING.match(bare)) and len(words := _words(found[2])) <= LONGEST:
                yield start, offset, len(found[1]), words
            elif (under := _UNDERLINE.match(bare)) and before.strip() and "|" not in before:
                yield start - len(before), offset, 1 if under[1][0] == "=" else 2, _words(before)
                line = ""
        before = "" if line.isspace() or _HEADING.match(bare) else line


def _words(heading: str) -> str:
    return " ".join(_MARKS.sub(lambda found: found[1] or found[2] or "", heading).split())


def _blocks(text: str, start: int, end: int, headings: tuple[str, ...]) -> Iterator[Block]:
    """Yield the paragraphs between two headings; a table gives a block for each row."""
    for low, high in paragraphs(text, start, end):
        lines = text[low:high].split("\n")
        if len(lines) < 2 or not _RULE.match(lines[1]):
            if not _NO_TEXT.match(text[low:high]):
                yield Block(low, high, headings)
            continue
        names = " | ".join(cell.strip() for cell in lines[0].strip().strip("|").split("|"))
        offset = low + len(lines[0]) + len(lines[1]) + 2
        for line in lines[2:]:
            yield Block(offset, offset + len(line), (*headings, names), None, "row")
            offset += len(line) + 1
