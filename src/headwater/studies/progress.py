"""Showing how a study goes, on standard error: a live bar on a terminal, a line for each job else.

transfer 0/48  in runs/studies/transfer-quick
transfer 12/48  random-200-1: 54.3 after 2.1 s  0:03:10 left
"""

import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from headwater.studies.study import Result

if TYPE_CHECKING:
    from headwater.studies.job import Job


class Progress:
    """Tells how many of the jobs are done, and how to go on where the study is stopped."""

    def __init__(self, study: str, folder: Path) -> None:
        self._folder = folder
        self._study, self._total, self._done, self._before = study, 0, 0, 0
        self._begin = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        if kind in (SystemExit, KeyboardInterrupt):
            self._say(f"{self._study}: stopped; the same command goes on")

    def start(self, total: int, done: int) -> None:
        """The work begins; so many jobs were done before."""
        self._total, self._done, self._before = total, done, done
        self._begin = time.monotonic()
        self._say(f"{self._study} {done}/{total}  in {self._folder}")
        if sys.stderr.isatty():
            self._bar = _bar(self._study)
            self._bar.start()
            self._task = self._bar.add_task(self._study, total=total, completed=done)

    def done(self, job: "Job", answer: object) -> None:
        """A job is done."""
        self._done += 1
        said = f"{job.name}: trained"
        if isinstance(answer, Result):
            said = f"{job.name}: {answer.value:.1f} after {answer.seconds:.1f} s"
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
            self._bar.console.print(said, markup=False, highlight=False)
            return
        rate = (self._done - self._before) / max(1e-9, time.monotonic() - self._begin)
        left = timedelta(seconds=round((self._total - self._done) / rate))
        self._say(f"{self._study} {self._done}/{self._total}  {said}  {left} left")

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


def _bar(study: str) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(study), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Bar(*columns, console=Console(stderr=True))
