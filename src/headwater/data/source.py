"""Examples by index, with a fingerprint by which a resumed run knows that its data is the same."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, final

from headwater.data.example import PairExample, SpanExample, TaggingExample, TextExample

Example = PairExample | SpanExample | TaggingExample | TextExample
E_co = TypeVar("E_co", bound=Example, covariant=True)


class DataSource(Protocol[E_co]):
    """A sequence of examples that knows its length and its content's fingerprint."""

    @property
    def fingerprint(self) -> str:
        """A digest that differs whenever an example differs."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> E_co: ...

    def __iter__(self) -> Iterator[E_co]: ...


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What a reader mended and what it had to leave out: one line each, with file and id.

    `dropped` counts examples left out; `left_out` also names single answers that were.
    """

    repaired: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    dropped: int = 0

    def summary(self) -> str:
        """One line for the log, empty when there is nothing to say."""
        parts = []
        if self.repaired:
            parts.append(f"{len(self.repaired)} answer offsets repaired")
        if self.left_out:
            what = f"{self.dropped} examples dropped" if self.dropped else "answers left out"
            parts.append(f"{what}, the first: {self.left_out[0]}")
        return "; ".join(parts)


@final
class Examples(DataSource[E_co]):
    """Examples in memory."""

    def __init__(self, examples: Sequence[E_co], report: ReadReport | None = None) -> None:
        self._examples = tuple(examples)
        self.report = report or ReadReport()
        self._fingerprint = _digest(self._examples)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every field of every example."""
        return self._fingerprint

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> E_co:
        return self._examples[index]

    def __iter__(self) -> Iterator[E_co]:
        return iter(self._examples)


def _digest(examples: Sequence[Example]) -> str:
    digest = hashlib.sha256()
    for example in examples:
        digest.update(repr(example).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()
