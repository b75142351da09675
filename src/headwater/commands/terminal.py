"""What the verbs share: their options, and how they print JSON and tables."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from headwater import signals
from headwater.errors import UserError
from headwater.escapes import visible
from headwater.messages import say

logger = logging.getLogger(__name__)

CommandT = TypeVar("CommandT", bound=Callable[..., object])


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


def path_argument(help: str, metavar: str) -> Any:
    """Declare an argument that names a file or a folder."""
    return typer.Argument(metavar=metavar, help=help, parser=_named)


def _named(text: str) -> Path:
    """Return a path; nothing, an unset "$DIR" perhaps, would stand for the current folder."""
    if not text:
        raise ValueError("it is empty; give a file or a folder")
    if "\0" in text:
        raise ValueError("embedded null byte")
    return Path(text)


Model = Annotated[str, option("A folder, a hub id, or a bundled name.", "MODEL")]
ModelArgument = Annotated[str, argument("A folder, a hub id, or a bundled name.", "MODEL")]
ModelByTask = Annotated[
    list[str], option("A model, a folder with a run for each task, or TASK=MODEL.", "MODEL")
]
ModelsByTask = Annotated[
    list[str] | None, option("A model, a folder with a run for each task, or TASK=MODEL.", "MODEL")
]
InitialModel = Annotated[str | None, option("The model to start from.", "MODEL")]

Recipe = Annotated[
    Path | None, argument("A TOML file of what differs from the defaults.", "RECIPE.toml")
]
Settings = Annotated[
    list[str] | None, option("Change one key of the recipe; repeatable.", "a.b=VALUE", flag="--set")
]
Objective = Annotated[
    str | None, option("What to predict, such as mlm; a wrong name lists them all.", "O")
]
Corpus = Annotated[str | None, option("A token store of `corpus build`.", "STORE")]
RunFolder = Annotated[Path | None, option("The run folder [runs/RECIPE].", "DIR")]
Resume = Annotated[bool, option("Continue the run in DIR.", flag="--resume")]

TaskName = Annotated[str, option("A name from `headwater tasks`, or a TASK.toml.", "TASK")]
NoAnswerProbabilities = Annotated[
    Path | None,
    option("No-answer probabilities (JSON): written by predict, read by score.", "FILE"),
]

PadPunctuation = Annotated[
    bool | None,
    option("For a published T5: put spaces around punctuation.", flag="--pad-punctuation"),
]

NoAnswerThreshold = Annotated[
    float | None,
    option("Say that there is no answer if that is better than the best by more.", "T"),
]
MaxAnswerLength = Annotated[
    int | None, option("The most tokens of an answer.", "N", min=1, max=10**6)
]

LabelNames = Annotated[
    str | None, option("Label names in the order of the outputs, separated by commas.", "A,B,C")
]

Texts = Annotated[list[Path], path_argument(".txt, .jsonl, .parquet, or folders.", "INPUT")]
TextField = Annotated[str, option("The field or column with the text.")]

Device = Annotated[str, option("auto, cpu, cuda, cuda:N or mps.")]
Precision = Annotated[str, option("auto, bf16 or fp32: of the matrix products.", "auto|bf16|fp32")]
Json = Annotated[bool, option("Print JSON for a script.", flag="--json")]


Filters = Annotated[
    list[str] | None,
    option("Of an index: only such files; repeatable.", "path=GLOB|modified>DATE", flag="--filter"),
]


def described(help: str) -> Callable[[CommandT], CommandT]:
    """Give a command its help, which a docstring would lose under `python -OO`."""

    def describe(command: CommandT) -> CommandT:
        command.__doc__ = help
        return command

    return describe


def echo(text: object = "", *, end: str = "\n", error: bool = False) -> None:
    """Print a text, with what a terminal would obey made visible."""
    if error:
        say(visible(str(text)))
    else:
        print(visible(str(text)), end=end)


def label_names_of(given: str | None) -> list[str] | None:
    """Return the names of `--label-names A,B,C`."""
    if given is None:
        return None
    names = [name.strip() for name in given.split(",")]
    if not all(names):
        raise UserError(f"--label-names {given}: a name is empty; give A,B,C")
    return names


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print JSON that the terminal can show; without `indent` on one line."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a terminal without these characters, or half ones in a file name
        text = json.dumps(value, indent=indent)
    echo(text)


def print_table(values: Mapping[str, object], as_json: bool) -> None:
    """Print names with their values, a line for each, or as JSON; numbers get six digits."""
    if as_json:
        print_json(dict(values))
        return
    width = max(map(len, values))
    for name, value in values.items():
        echo(f"{name:{width}}  {f'{value:.6g}' if isinstance(value, float) else value}")


@contextmanager
def stopping(outcome: str) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM clean up, and say what is left."""
    try:
        with signals.exiting():
            yield
    except SystemExit:
        logger.info(f"stopped; {outcome}")
        raise
