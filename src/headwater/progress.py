"""How far something long is: a line in the log now and then, or a bar where one is installed.

    display = Display("cola", logger, line="{name}: {done} of {total}, {left} left", every=30)
    with Progress(display) as progress:
        progress.start(total=1043)
        progress.advance(512)

Lines are messages of the caller's logger, so that nothing is shown to whoever shows no messages.
The command line installs a bar for terminals (`installed`).
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, Self

_FOREVER = 10**13  # seconds: more than a timedelta's days would overflow
_SURE_PARTS, _SURE_SECONDS = 5, 5.0  # of work, after which its rate tells how long the rest takes


@dataclass(frozen=True, slots=True)
class Display:
    """What is under way, and how it is shown.

    The texts are format strings of `name`, `done`, `total`, `rate` (a second), `left` (a time as
    `0:03:10`, or `?` while too little is done to tell) and the fields that `Progress.advance` is
    given.

    line: a line of the log.
    every: seconds between two such lines; None writes none but those of `Progress.report`.
    count, rate: what a bar shows of the work done.
    fields: what it shows of the fields.
    transient: the bar goes away in the end.
    """

    name: str
    logger: logging.Logger
    line: str = ""
    every: float | None = None
    count: str = "{done}/{total}"
    rate: str = ""
    fields: str = ""
    transient: bool = False


class Bar(Protocol):
    """A bar on a terminal."""

    def start(self, total: float, done: float, count: str) -> None:
        """Appear, with the text of `Display.count`."""

    def move(self, done: float, count: str, rate: str, left: str, fields: str) -> None:
        """Show so much, with the texts of `Display` and the time that is left."""

    def close(self) -> None:
        """Leave the terminal as it stands."""


_bar: ContextVar[Callable[[Display], Bar | None] | None] = ContextVar("bar", default=None)


@contextmanager
def installed(bar: Callable[[Display], Bar | None]) -> Iterator[None]:
    """Show work that starts inside by a bar, unless `bar` gives none."""
    token = _bar.set(bar)
    try:
        yield
    finally:
        _bar.reset(token)


class Progress:
    """Says how far something is, how fast it goes and what is left. A context closes it."""

    def __init__(self, display: Display) -> None:
        make = _bar.get() if display.logger.isEnabledFor(logging.INFO) else None
        self._display = display
        self._bar = make(display) if make else None
        self._total = self._done = 0.0
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def start(self, total: float, done: float = 0) -> None:
        """The work begins; so much of it was done before."""
        self._total, self._done = total, done
        self._begin()
        if self._bar is not None:
            self._bar.start(total, done, self._format(self._display.count, {}))

    def advance(self, done: float, **fields: object) -> None:
        """So much is done by now."""
        self._done = done
        self._parts += 1
        if self._parts == 1:
            self._after_first = (done, time.monotonic())
        display = self._display
        if self._bar is not None:
            texts = (display.count, display.rate, "{left} left", display.fields)
            self._bar.move(done, *(self._format(text, fields) for text in texts))
        elif display.every is not None and self._due(display.every):
            display.logger.info(self._format(display.line, fields))

    def report(self, line: str, above: str = "") -> None:
        """Write a line to the log, or else what goes above the bar.

        Args:
            line: a format string as those of `Display`.
            above: the plain text of the same for a bar, which shows the numbers by itself.
        """
        if self._bar is None:
            self._display.logger.info(self._format(line, {}))
        elif above:
            self._display.logger.info(above)

    def close(self) -> None:
        """The work has ended."""
        if self._bar is not None:
            self._bar.close()

    def _begin(self) -> None:
        self._parts, self._shown = 0, time.monotonic()
        self._before = self._after_first = (self._done, self._shown)

    def _due(self, every: float) -> bool:
        now = time.monotonic()
        if now - self._shown < every or self._done == self._total:
            return False
        self._shown = now
        return True

    def _format(self, text: str, fields: dict[str, object]) -> str:
        # The first part takes longer than others, since it sets up what all of them use.
        before, begin = self._after_first if self._parts > 1 else self._before
        passed = time.monotonic() - begin
        rate = (self._done - before) / max(1e-9, passed)
        sure = self._parts > _SURE_PARTS and passed >= _SURE_SECONDS
        left = "?"
        if rate and (sure or self._done == self._total):
            seconds = min(round((self._total - self._done) / rate), _FOREVER)
            left = str(timedelta(seconds=seconds))
        numbers = {"done": self._done, "total": self._total, "rate": rate, "left": left}
        return text.format(name=self._display.name, **numbers, **fields)


def counted_progress(name: str, what: str, logger: logging.Logger) -> Progress:
    """Return the progress of work on many files, questions or such: a line every half minute.

    Args:
        what: is counted, in the plural.
    """
    rate = f"{{rate:.1f}} {what}/s"
    return Progress(
        Display(
            name,
            logger,
            line=f"{{name}}: {{done}} of {{total}} {what}, {rate}, {{left}} left",
            every=30,
            count=f"{{done:.0f}}/{{total:.0f}} {what}",
            rate=rate,
        )
    )
