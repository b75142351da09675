"""The progress bar of the command line, on a terminal."""

import sys
from typing import Any

from headwater.escapes import visible
from headwater.progress import Bar, Display


def terminal_bar(display: Display) -> Bar | None:
    """Return a bar, or None where standard error is no terminal."""
    return _RichBar(display) if sys.stderr.isatty() else None


class _RichBar:
    """rich's bar; what is written to standard error meanwhile scrolls above it."""

    def __init__(self, display: Display) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        count, rate, fields = (
            [TextColumn(f"{{task.fields[{name}]}}", markup=False)] if getattr(display, name) else []
            for name in ("count", "rate", "fields")
        )
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            *(BarColumn(), *count, *rate, TextColumn("{task.fields[left]}"), *fields),
            console=Console(stderr=True),
            transient=display.transient,
        )
        self._task = self._bar.add_task(
            visible(display.name), total=None, start=False, count="", rate="", left="", fields=""
        )

    def start(self, total: float, done: float, count: str) -> None:
        """Appear, with the text of `Display.count`."""
        self._bar.update(self._task, total=total, completed=done, count=visible(count))
        self._bar.start_task(self._task)
        self._bar.start()

    def move(self, done: float, count: str, rate: str, left: str, fields: str) -> None:
        """Show so much, with the texts of `Display` and the time that is left."""
        texts: dict[str, Any] = {"count": visible(count), "rate": visible(rate), "left": left}
        self._bar.update(self._task, completed=done, fields=visible(fields), **texts)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()
