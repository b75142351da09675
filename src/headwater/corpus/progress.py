"""Showing how a build goes, on standard error: a live bar on a terminal, plain lines elsewhere."""

import sys
import time
from datetime import timedelta
from typing import Protocol, TextIO

_EVERY = 10.0  # seconds between two plain lines


class Progress(Protocol):
    """What a build tells the outside; positions are bytes of the input on the disk."""

    def start(self, total: int) -> None:
        """The reading begins."""
        ...

    def advance(self, position: int, tokens: int) -> None:
        """So much was read, and so many tokens were written."""
        ...

    def say(self, text: str) -> None:
        """Something the user should know."""
        ...

    def close(self) -> None:
        """The build has ended."""
        ...


class PlainProgress:
    """A line now and then, for a log."""

    def __init__(self, stream: TextIO | None = None, every: float = _EVERY) -> None:
        self._stream = stream or sys.stderr
        self._every = every
        self._begin = self._shown = time.monotonic()
        self._total = 0

    def start(self, total: int) -> None:
        """Remember when the clock began."""
        self._begin = self._shown = time.monotonic()
        self._total = total

    def advance(self, position: int, tokens: int) -> None:
        """Print how far it is, when it is time to."""
        now = time.monotonic()
        if now - self._shown < self._every:
            return
        self._shown = now
        rate = position / max(1e-9, now - self._begin)
        left = timedelta(seconds=round((self._total - position) / rate)) if rate else "?"
        self.say(
            f"{position / 1e6:.1f}/{self._total / 1e6:.1f} MB  {tokens:,} tokens  "
            f"{rate / 1e6:.2f} MB/s  {left} left"
        )

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to put away."""


class LiveProgress:
    """A bar with rate and time left; what is said scrolls above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as Bar

        self._console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("building"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[tokens]:,} tokens"),
            console=self._console,
        )
        self._task = self._bar.add_task("building", total=None, start=False, tokens=0)

    def start(self, total: int) -> None:
        """Show the bar."""
        self._bar.update(self._task, total=total)
        self._bar.start_task(self._task)
        self._bar.start()

    def advance(self, position: int, tokens: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=position, tokens=tokens)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()


def choose_progress() -> Progress:
    """Return the live bar when standard error is a terminal, plain lines otherwise."""
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()
