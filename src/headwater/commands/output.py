"""What the verbs print on standard output, and the bar on standard error."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from headwater.progress import Bar, Display


def print_json(value: Any) -> None:
    """Print JSON that the terminal can show."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a terminal without these characters, or half ones in a file name
        text = json.dumps(value, indent=2)
    print(text)


def print_table(values: Mapping[str, object], as_json: bool) -> None:
    """Print names with their values, a line for each, or as JSON; numbers get six digits."""
    if as_json:
        print_json(dict(values))
        return
    width = max(map(len, values))
    for name, value in values.items():
        print(f"{name:{width}}  {f'{value:.6g}' if isinstance(value, float) else value}")


def terminal_bar(display: Display) -> Bar | None:
    """Return a bar, or None where standard error is no terminal."""
    return _RichBar(display) if sys.stderr.isatty() else None


class _RichBar:
    """rich's bar; what is written to standard error meanwhile scrolls above it."""

    def __init__(self, display: Display) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        count, rate, fields = (
            [TextColumn(f"{{task.fields[{name}]}}", markup=False)] if getattr(display, name) else []
            for name in ("count", "rate", "fields")
        )
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            *(BarColumn(), *count, *rate, TimeRemainingColumn(), *fields),
            console=Console(stderr=True),
            transient=display.transient,
        )
        self._task = self._bar.add_task(
            display.name, total=None, start=False, count="", rate="", fields=""
        )

    def start(self, total: float, done: float, count: str) -> None:
        """Appear, with the text of `Display.count`."""
        self._bar.update(self._task, total=total, completed=done, count=count)
        self._bar.start_task(self._task)
        self._bar.start()

    def move(self, done: float, count: str, rate: str, fields: str) -> None:
        """Show so much, with the texts of `Display`."""
        self._bar.update(self._task, completed=done, count=count, rate=rate, fields=fields)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()
