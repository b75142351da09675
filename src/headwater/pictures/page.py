"""What is shown of a model's inputs and outputs, apart from where: a terminal or an HTML file.

A page is a title and elements: headings, labelled lines of text, tables, and columns (one for
each token, as in figure 2 of the BERT paper). A line of text is made of spans:

    Line("inputs", (Run("my dog is"), Run("[MASK]", "masked")))

What a highlight means is said once, below the page, for those that are in it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Highlight = Literal[
    "plain",
    "special",
    "noise",
    "masked",
    "random",
    "kept",
    "sentinel",
    "prefix",
    "answer",
    "second",
]

MEANINGS: dict[Highlight, str] = {
    "noise": "dropped or predicted",
    "masked": "hidden by the mask",
    "random": "a random token in its place",
    "kept": "predicted, but left as it is",
    "sentinel": "takes the place of what is dropped",
    "prefix": "visible to all positions, not predicted",
    "answer": "the answer",
}
"""What a page says of the highlights that are in it; the others speak for themselves."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # would move the cursor or ring the bell
_SPACES = {"\n": "↵", "\t": "⇥"}


class TextSpan(NamedTuple):
    """A text span of one kind."""

    text: str
    highlight: Highlight = "plain"


@dataclass(frozen=True, slots=True)
class Heading:
    """A line above what belongs together."""

    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """Text of any length behind a label."""

    label: str
    spans: tuple[TextSpan, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under names."""

    names: tuple[str, ...]
    rows: tuple[tuple[TextSpan, ...], ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """A column for each token, a cell for each label; as many side by side as there is room."""

    labels: tuple[str, ...]
    columns: tuple[tuple[TextSpan, ...], ...]


Element = Heading | Line | Table | Columns


@dataclass(frozen=True, slots=True)
class Page:
    """A title and the elements below it."""

    title: str
    elements: tuple[Element, ...]

    def meanings(self) -> Iterator[tuple[Highlight, str]]:
        """Yield the highlights of the page that are to be explained, with what they mean."""
        used = {span.highlight for element in self.elements for span in _spans(element)}
        return (
            (highlight, meaning) for highlight, meaning in MEANINGS.items() if highlight in used
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown, for a script (`content`, plain values) and for a person (`page`)."""

    content: dict[str, Any]
    page: Page


def printable(text: str) -> str:
    """Replace control characters: line feed and tab by arrows, the rest by a lozenge.

    >>> printable("a\\nb")
    'a↵b'
    """
    return _CONTROL.sub(lambda found: _SPACES.get(found[0], "\N{REPLACEMENT CHARACTER}"), text)


def _spans(element: Element) -> Iterator[TextSpan]:
    match element:
        case Heading():
            return
        case Line():
            yield from element.spans
        case Table():
            yield from (span for row in element.rows for span in row)
        case Columns():
            yield from (span for column in element.columns for span in column)
