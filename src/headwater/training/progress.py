"""Showing how a run goes, on standard error: a live bar on a terminal, plain lines elsewhere."""

import sys
import time
from datetime import timedelta
from typing import Any, Protocol, TextIO

_FOREVER = 10**13  # seconds: more than a timedelta's days would overflow


class Progress(Protocol):
    """What the loop tells the outside while it runs."""

    def start(self, step: int, total: int) -> None:
        """The loop begins after `step` of `total` steps."""
        ...

    def advance(self, step: int, loss: float) -> None:
        """A step is done."""
        ...

    def line(self, line: dict[str, Any]) -> None:
        """A line went into the log."""
        ...

    def say(self, text: str) -> None:
        """Something the user should know."""
        ...

    def close(self) -> None:
        """The loop has ended."""
        ...


class PlainProgress:
    """One short line for each line of the log."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._begin = (0, 0.0)
        self._total = 0

    def start(self, step: int, total: int) -> None:
        """Remember where the clock began."""
        self._begin, self._total = (step, time.monotonic()), total

    def advance(self, step: int, loss: float) -> None:
        """Nothing: lines come with the log."""

    def line(self, line: dict[str, Any]) -> None:
        """Print a line of the log, with the rate and the time left."""
        step = line["step"]
        head = f"step {step}/{self._total}"
        if "evaluation" in line:
            scores = "  ".join(
                f"{key} {_short(value)}" for key, value in line["evaluation"].items()
            )
            self.say(f"{head}  evaluation: {scores}")
        elif "epoch" in line:
            self.say(f"{head}  epoch {line['epoch']}: padding {100 * line['padding']:.2f}%")
        else:
            rate = (step - self._begin[0]) / max(1e-9, time.monotonic() - self._begin[1])
            left = _time(self._total - step, rate)
            self.say(
                f"{head}  loss {_short(line['loss'])}  learning rate {line['learning_rate']:.2e}  "
                f"{rate:.2f} steps/s  {left} left"
            )

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to put away."""


def _time(steps: int, rate: float) -> str:
    """Return the time that steps take, as `0:03:10`."""
    return str(timedelta(seconds=min(round(steps / rate), _FOREVER))) if rate else "?"


class LiveProgress:
    """A bar with rate, time left and loss; what is said scrolls above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.2f} steps/s"),
            TimeRemainingColumn(),
            TextColumn("loss {task.fields[loss]}"),
            console=self._console,
        )
        self._task = self._bar.add_task("training", total=None, start=False, rate=0.0, loss="")
        self._begin = (0, 0.0)

    def start(self, step: int, total: int) -> None:
        """Show the bar."""
        self._begin = (step, time.monotonic())
        self._bar.update(self._task, total=total, completed=step)
        self._bar.start_task(self._task)
        self._bar.start()

    def advance(self, step: int, loss: float) -> None:
        """Move the bar."""
        rate = (step - self._begin[0]) / max(1e-9, time.monotonic() - self._begin[1])
        self._bar.update(self._task, completed=step, rate=rate, loss=_short(loss))

    def line(self, line: dict[str, Any]) -> None:
        """Print evaluations above the bar; the bar shows the rest."""
        if "evaluation" in line:
            scores = "  ".join(
                f"{key} {_short(value)}" for key, value in line["evaluation"].items()
            )
            self.say(f"step {line['step']}  evaluation: {scores}")

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()


def choose_progress() -> Progress:
    """Return the live bar when standard error is a terminal, plain lines otherwise."""
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()


def _short(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4f}"
