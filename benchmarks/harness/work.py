"""A work, the sides that do it, and where they find what they need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.turns import Turns

Facts = Mapping[str, Any]
"""What a side tells at its end: numbers by name. A name ending in `share` is a part of 1.

`OPERATIONS` is no fact but the limit's numerator, and `OUTPUTS` is what is compared.
"""
OPERATIONS, OUTPUTS = "operations", "outputs"

HINT = "say where the data are with --data FOLDER"


class Absent(Exception):
    """A file or a package is not there; the message is one line for the user."""


@dataclass(frozen=True)
class Context:
    """What every side is given.

    data: folder with real files. scratch: folder of the run, which the sides of a work share.
    quick: for development alone.
    """

    data: Path
    scratch: Path
    threads: int
    quick: bool = False

    def some(self, count: int) -> int:
        """Return how many items a turn has: a fifth, at least one, where all is to be quick."""
        return max(1, count // 5) if self.quick else count

    def file(self, name: str) -> Path:
        """Return a file of the data."""
        path = self.data / name
        if not path.exists():
            raise Absent(f"{path} is not there; {HINT}")
        return path


@dataclass(frozen=True)
class Side:
    """One way to do a work, in a process of its own.

    run: takes the turns and returns facts; a function of a module, so that it can be sent.
    needs: packages without which it is skipped.
    """

    name: str
    run: Callable[[Turns, Context], Facts]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Work:
    """What is measured. The first side is ours.

    unit: of a side's value. lower: whether less is better, as of seconds.
    reference: the side whose outputs those of the others should equal.
    prepare: makes what the sides share, once, in a process of its own.
    turns: how many are counted; None: as many as asked for.
    """

    name: str
    title: str
    unit: str
    sides: tuple[Side, ...]
    lower: bool = False
    reference: str | None = None
    prepare: Callable[[Context], None] | None = None
    turns: int | None = None
