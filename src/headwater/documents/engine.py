"""What finds passages, by a small protocol: SQLite's full text, vectors, other engines.

The words of an index in SQLite follow its passages within the transaction of each file. All others
stand beside it, and are told afterwards (`waiting`).
"""

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


class Follower(Protocol):
    """What is told of passages that come and go."""

    def add(self, entries: Iterable[Entry], /) -> None:
        """Take passages in."""
        ...

    def remove(self, passages: Iterable[int], /) -> None:
        """Forget passages, which the index still has at that moment."""
        ...


class Searcher(Protocol):
    """Finds passages by a question."""

    def search(self, question: str, limit: int, /) -> list[Ranked]:
        """Return at most so many passages, the best first."""
        ...


class Engine(Follower, Searcher, Protocol):
    """An engine beside an index; what it was told is safe when the call returns.

    `add` puts a passage in the place of one with its id. `remove` may name passages that it never
    had, and that the index has no more. So both may be done twice.

    at_once: how many passages it is told of in one call.
    """

    @property
    def at_once(self) -> int: ...

    def clear(self) -> None:
        """Forget everything, for good."""
        ...
