"""What the verbs share: their options, what they print, the bar on standard error."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.messages import Bar, Display


def option(
    help: str,
    metavar: str | None = None,
    flag: str | None = None,
    min: float | None = None,
    max: float | None = None,
) -> Any:
    """Declare an option; `flag` is its name where the parameter's would not do."""
    flags = [flag] if flag else []
    return typer.Option(*flags, metavar=metavar, help=help, min=min, max=max)


def argument(help: str, metavar: str | None = None) -> Any:
    """Declare an argument."""
    return typer.Argument(metavar=metavar, help=help)


Model = Annotated[str, option("A folder, a hub id, or a bundled name.", "MODEL")]
ModelArgument = Annotated[str, argument("A folder, a hub id, or a bundled name.", "MODEL")]
ModelByTask = Annotated[
    list[str], option("A model, a folder with a run for each task, or TASK=MODEL.", "MODEL")
]
InitialModel = Annotated[str | None, option("What to start from.", "MODEL")]

Recipe = Annotated[Path | None, typer.Argument(metavar="[RECIPE.toml]")]
Settings = Annotated[
    list[str] | None, option("Change one key of the recipe; repeatable.", "a.b=VALUE", flag="--set")
]
Objective = Annotated[
    str | None, option("What to predict: bilm, cbow, lm, mlm, prefix_lm or span_corruption.", "O")
]
Corpus = Annotated[str | None, option("A token store of `corpus build`.", "STORE")]
RunFolder = Annotated[Path | None, option("The run folder [runs/RECIPE].", "DIR")]
Resume = Annotated[bool, option("Continue the run in DIR.", flag="--resume")]

TaskName = Annotated[str, option("A name from `headwater tasks`, or a TASK.toml.", "TASK")]
NoAnswerProbabilities = Annotated[
    Path | None, option("The official no-answer probabilities as JSON.", "FILE")
]

Texts = Annotated[list[Path], argument(".txt, .jsonl, .parquet, or folders.", "INPUT...")]
TextField = Annotated[str, option("The field or column with the text.")]

Device = Annotated[str, option("auto, cpu, cuda, cuda:N or mps.")]
Json = Annotated[bool, option("Print JSON for a script.", flag="--json")]


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
