"""What finds passages: SQLite's full text here, other engines over the same passages."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """A passage as an engine gets it; `headings` are a line each."""

    id: int
    title: str
    headings: str
    text: str


class Ranked(NamedTuple):
    """A passage that an engine found; a higher score is better, in a scale of the engine's own."""

    id: int
    score: float


class Engine(Protocol):
    """Finds passages by a question."""

    def add(self, entries: Iterable[Entry], /) -> None:
        """Take passages in, of ids that it does not have."""
        ...

    def remove(self, entries: Iterable[Entry], /) -> None:
        """Forget passages, which are given as they were added."""
        ...

    def search(self, question: str, limit: int, /) -> list[Ranked]:
        """Return at most so many passages, the best first."""
        ...
