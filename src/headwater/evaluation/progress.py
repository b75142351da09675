"""Showing how an evaluation goes, on standard error: a bar on a terminal, plain lines in a log.

    with showing("cola") as progress:
        evaluate(predictor, COLA, examples, progress)

In a log: `headwater: cola: 512 of 1043 examples, 17.1/s, 0:00:31 left`, every half minute.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from headwater.terminal import say

Progress = Callable[[int, int], None]
"""Called with how many examples are done and how many there are."""

SECONDS = 30.0  # between two lines of a log


@contextmanager
def showing(what: str) -> Iterator[Progress]:
    """Show how many examples are done, how fast it goes and what is left."""
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(what, markup=False), BarColumn(), MofNCompleteColumn())
    rate, left = TextColumn("{task.fields[rate]:.1f}/s"), TimeRemainingColumn()
    with Bar(*columns, rate, left, console=Console(stderr=True), transient=True) as bar:
        line, begin = bar.add_task(what, total=None, rate=0.0), time.monotonic()

        def move(done: int, total: int) -> None:
            bar.update(line, completed=done, total=total, rate=_rate(done, begin))

        yield move


def _lines(what: str) -> Progress:
    begin = last = time.monotonic()

    def line(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last < SECONDS or done == total:
            return
        last, rate = time.monotonic(), _rate(done, begin)
        left = timedelta(seconds=round((total - done) / rate))
        say(f"{what}: {done} of {total} examples, {rate:.1f}/s, {left} left")

    return line


def _rate(done: int, begin: float) -> float:
    return done / max(1e-9, time.monotonic() - begin)
