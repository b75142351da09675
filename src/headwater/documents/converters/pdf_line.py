"""A line of a page of a PDF."""

from typing import NamedTuple


class Line(NamedTuple):
    """A line with its place on the page, in points from its lower left corner.

    height: that of its first character's font.
    page: from 1 on.
    font: that of its first character, if it has no measures; else 0.
    """

    text: str
    left: float
    right: float
    bottom: float
    height: float
    page: int
    font: int = 0
