"""What a converter makes of a file: its extracted text, and the blocks of which that consists."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

BlockKind = Literal["paragraph", "row", "record"]
"""A paragraph, a row of a table that stands in a text, or a row of a file that is a table."""

LONGEST = 300
"""The most characters of a title, a heading or a column's name: it stands with every passage."""

LEVELS = 16
"""The most headings that a passage stands under."""


class Block(NamedTuple):
    """A part of a document that is not cut without need: `text[start:end]`.

    headings: the headings that it stands under, from the title's side, and a table's header.
    page: where it begins, from 1 on; None where there are no pages.
    """

    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None
    kind: BlockKind = "paragraph"


@dataclass(slots=True)
class Document:
    """A converted file.

    title: "" where the file says none.
    text: the extracted text, in which quotes are literal. A form feed begins a page.
    blocks: in order, without overlap; what is in none is not searched, such as a page's number.
    note: what could not be read of a file that was, or "".
    wrapped: line breaks inside blocks are those of a page's width, and hyphens before them of it.
    """

    title: str = ""
    text: str = ""
    blocks: list[Block] = field(default_factory=list)
    note: str = ""
    wrapped: bool = False


class Writer:
    """Makes a document of headings, paragraphs and rows, as they come.

    >>> writer = Writer()
    >>> writer.heading("Rivers", 1)
    >>> writer.row(["name", "length"], ["Aare", "288 km"])
    >>> document = writer.document("Switzerland")
    >>> print(document.text, document.blocks[0].headings)
    Rivers
    <BLANKLINE>
    name: Aare | length: 288 km ('Rivers',)
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self.path = HeadingPath()

    def heading(self, text: str, level: int) -> None:
        """Add a heading: what comes next stands under it, and under those of higher levels.

        One of more than LONGEST characters is a paragraph.
        """
        text = " ".join(text.split())
        if len(text) > LONGEST:
            self.paragraph(text)
        elif text:
            self.path.enter(text, level)
            self._add(text)

    def paragraph(self, text: str, kind: BlockKind = "paragraph") -> None:
        """Add a paragraph, unless it is empty."""
        if text := text.strip():
            start = self._add(text)
            self._blocks.append(Block(start, start + len(text), self.path.headings, None, kind))

    def row(self, names: list[str], cells: list[str], kind: BlockKind = "row") -> None:
        """Add a row of a table as `name: cell | name: cell`."""
        self.paragraph(row_text(names, cells), kind)

    def document(self, title: str = "") -> Document:
        """Return what was added."""
        return Document(title.strip(), "\n\n".join(self._parts), self._blocks)

    def _add(self, text: str) -> int:
        start = self._length
        self._parts.append(text)
        self._length += len(text) + 2
        return start


class HeadingPath:
    """The headings that a place of a document stands under."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def enter(self, text: str, level: int) -> None:
        """Come to a heading; it ends all of its level and below."""
        self._open = [each for each in self._open if each[0] < level] + [(level, text)]

    def leave(self) -> None:
        """Come to a place under no heading."""
        self._open = []

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings here, the highest first."""
        return tuple(text for _, text in self._open)


def shortened(text: str) -> str:
    """Return a title, a heading or a name of at most LONGEST characters."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def row_text(names: list[str], cells: list[str]) -> str:
    """Return a row with the names of its columns; empty cells are left out.

    >>> row_text(["name", "born"], ["Ada", "1815", "London"])
    'name: Ada | born: 1815 | London'
    """
    shown = []
    for number, cell in enumerate(cells):
        cell = " ".join(cell.split())
        name = " ".join(shortened(names[number]).split()) if number < len(names) else ""
        if cell:
            shown.append(f"{name}: {cell}" if name and name != cell else cell)
    return " | ".join(shown)
