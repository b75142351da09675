"""What is shown of a model's inputs and outputs, apart from where: a terminal or an HTML file.

A page is a title and parts: headings, labelled lines of marked text, tables, and columns (one for
each token, as in figure 2 of the BERT paper). Marked text is a sequence of runs:

    Line("inputs", (Run("my dog is"), Run("[MASK]", "masked")))

What a mark means is said once, below the page, for the marks that are in it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Mark = Literal[
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

MEANINGS: dict[Mark, str] = {
    "noise": "dropped or predicted",
    "masked": "hidden by the mask",
    "random": "a random token in its place",
    "kept": "predicted, but left as it is",
    "sentinel": "takes the place of what is dropped",
    "prefix": "visible to all positions, not predicted",
    "answer": "the answer",
}
"""What a page says of the marks that are in it; the others speak for themselves."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # would move the cursor or ring the bell
_SPACES = {"\n": "↵", "\t": "⇥"}


class Run(NamedTuple):
    """A stretch of text of one kind."""

    text: str
    mark: Mark = "plain"


@dataclass(frozen=True, slots=True)
class Heading:
    """A line above what belongs together."""

    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """Text of any length behind a label."""

    label: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under names."""

    names: tuple[str, ...]
    rows: tuple[tuple[Run, ...], ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """A column for each token, a cell for each label; as many side by side as there is room."""

    labels: tuple[str, ...]
    columns: tuple[tuple[Run, ...], ...]


Part = Heading | Line | Table | Columns


@dataclass(frozen=True, slots=True)
class Page:
    """A title and what stands below it."""

    title: str
    parts: tuple[Part, ...]

    def meanings(self) -> Iterator[tuple[Mark, str]]:
        """Yield the marks of the page that are to be explained, with what they mean."""
        used = {run.mark for part in self.parts for run in _runs(part)}
        return ((mark, meaning) for mark, meaning in MEANINGS.items() if mark in used)


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


def _runs(part: Part) -> Iterator[Run]:
    match part:
        case Heading():
            return
        case Line():
            yield from part.runs
        case Table():
            yield from (run for row in part.rows for run in row)
        case Columns():
            yield from (run for column in part.columns for run in column)
