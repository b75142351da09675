"""The command line: its verbs, what is shown, and how it ends.

Exit codes: 0 done, 2 the user's mistake or what the machine refuses, such as a full disk (one line
on standard error, no traceback), 1 a fault of ours, 130 and 143 ended by Ctrl-C and SIGTERM (a
training after saving), 141 the reader of our output has gone.
No verb's `--help` imports torch.
"""

import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import pairwise
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from headwater import messages, progress
from headwater.commands.ask import ask
from headwater.commands.bar import terminal_bar
from headwater.commands.compare import compare
from headwater.commands.corpus import corpus
from headwater.commands.doctor import doctor
from headwater.commands.evaluate import evaluate, predict, score, submit
from headwater.commands.export import export
from headwater.commands.generate import generate
from headwater.commands.generate_questions import generate_questions
from headwater.commands.index import index
from headwater.commands.inspect import inspect
from headwater.commands.launch import launch
from headwater.commands.models import convert, merge, models, tasks
from headwater.commands.overlap import overlap
from headwater.commands.plan import plan
from headwater.commands.serve import serve
from headwater.commands.share import card, push
from headwater.commands.study import study
from headwater.commands.terminal import described, echo
from headwater.commands.texts import classify, fill, tag
from headwater.commands.train import finetune, pretrain
from headwater.commands.tune import tune
from headwater.commands.vectors import vectors
from headwater.commands.vocabulary import vocabulary
from headwater.distributed.place import LostProcess, place
from headwater.errors import UserError, listed
from headwater.files import FULL, MACHINE, told
from headwater.memory_limit import memory_fault

logger = logging.getLogger(__name__)

_PATHS = (
    *("--output", "--data", "--input", "--predictions", "--context", "--vocabulary"),
    *("--test", "--evaluation", "--overlap", "--questions", "--vectors"),
)

_SEVERAL = ("finetune", "pretrain", "evaluate", "predict")
"""The verbs that share their work among the processes of torchrun."""

_PATIENCE = 20.0
"""Seconds in which torchrun ends the others, once the first has told of a mistake and ended."""


@contextmanager
def _to_the_reader() -> Iterator[None]:
    """Flush what was printed; end quietly when its reader has gone, as `| head` does."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        messages.silence(sys.stdout)
        raise typer.Exit(141) from None
    except OSError as error:
        if error.filename is None and error.errno in FULL:  # files are written under their names
            messages.silence(sys.stdout)
            error.filename = "standard output"
        raise


class _Verbs(TyperGroup):
    """typer itself would exit with 1 on a closed pipe, or leave it to the interpreter's end."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _to_the_reader():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with _to_the_reader():
            return super().invoke(ctx)


def _version(wanted: bool) -> None:
    if wanted:
        from headwater import __version__

        print(f"headwater {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="headwater",
    cls=_Verbs,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
@described("Take a language model from raw text to answers: adapt it, measure it, ask it.")
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    own = place()
    verb = context.invoked_subcommand
    if own is not None and own.world > 1 and verb not in _SEVERAL:
        raise UserError(
            f"{verb}: works in one process, and torchrun started {own.world}; "
            f"start it without torchrun, which is for {listed(_SEVERAL)}"
        )


_MODELS = (ask, classify, tag, fill, generate)
_FILES = (
    *(finetune, pretrain, tune, evaluate, compare, predict, score, submit, overlap),
    *(generate_questions, plan, doctor, models, merge, convert, card, push, study, serve),
)
for _verb in (*_MODELS, *_FILES):
    app.command()(_verb)
app.add_typer(corpus, name="corpus", help="Prepare raw text for pre-training.")
app.add_typer(export, name="export", help="Write a model for another engine, and measure it.")
app.add_typer(index, name="index", help="Index documents, and search them.")
app.add_typer(inspect, name="inspect", help="Look at what a model reads, attends to and predicts.")
app.add_typer(launch, name="launch", help="Write what a cluster runs.")
app.add_typer(tasks, name="tasks", help="List the tasks, or look into one.")
app.add_typer(vectors, name="vectors", help="Vectors of words, and of texts.")
app.add_typer(vocabulary, name="vocabulary", help="Learn a vocabulary, or look into one.")
for _group in (app, *(each.typer_instance for each in app.registered_groups)):
    for _command in _group.registered_commands if _group else ():
        _command.short_help = (_command.callback.__doc__ or "") if _command.callback else ""


def main() -> None:
    """Run the command line and turn what went wrong into a line and an exit code."""
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what the terminal cannot show is escaped
            stream.reconfigure(errors="backslashreplace")
    if not os.environ.get("COLUMNS", "80").strip("0"):  # rich would print nothing
        del os.environ["COLUMNS"]
    try:
        own = place()
    except UserError as error:
        with messages.shown():
            logger.error(str(error))
        sys.exit(2)
    if own is not None:  # DDP's own warnings come from every process
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if own is not None and own.rank:  # the first process alone says how it goes
        sys.stdout = _nowhere()
        with messages.shown(prefix=f"process {own.rank}: ", level=logging.ERROR):
            sys.exit(_exit_code(sys.argv[1:]))
    with messages.shown(), progress.installed(terminal_bar):
        sys.exit(_exit_code(sys.argv[1:]))


def _exit_code(arguments: list[str]) -> int:
    """Run a verb; say what went wrong, but for a fault of ours, which is raised."""
    try:
        _check_paths(arguments)
        return app(prog_name="headwater", standalone_mode=False) or 0
    except TyperException as error:
        _explain(error)
        return error.exit_code
    except typer.Abort:  # Ctrl-C where there is nothing to save
        return 130
    except UserError as error:
        return _refused(re.sub(r"\s*\n\s*", " ", str(error)))
    except OSError as error:
        if error.errno not in MACHINE:
            logger.error(str(error))
            return 1
        return _refused(told(error))
    except LostProcess as error:
        logger.error(str(error))
        return 1
    except (MemoryError, RuntimeError) as error:
        if (line := memory_fault(error)) is None:
            raise
        return _refused(line)


def _refused(line: str) -> int:
    """Say what the user is to mend, and return the exit code.

    Most mistakes are met by all processes of a run, and the first one tells them.
    """
    own = place()
    if own is not None and own.rank:
        time.sleep(_PATIENCE)
    logger.error(line)
    return 2


def _explain(error: TyperException) -> None:
    """Say what is wrong with the options in one line; for a verb alone, print its help."""
    message = error.format_message().replace(": Value error, ", ": ")
    if "\n" in message:  # the help
        echo(message, error=True)
        return
    context = getattr(error, "ctx", None)
    verb = context.command_path if context else "headwater"
    _refused(f"{message[:1].lower()}{message[1:].rstrip('.')}; see `{verb} --help`")


def _check_paths(arguments: list[str]) -> None:
    """Refuse a path that is none: nothing (an unset "$OUT" perhaps), or the next option."""
    for option, following in pairwise([*arguments, "the end"]):
        name, equals, value = option.partition("=")
        value = value if equals else following
        if name not in _PATHS:
            continue
        if not value:  # which would stand for the current folder
            raise UserError(f"{name} is empty; give a file or a folder")
        if value.startswith("-") and value != "-":
            raise UserError(
                f"{name} {value}: reads like an option; a file or folder of that name is ./{value}"
            )


def _nowhere() -> TextIO:
    """Take what is written where the caller has closed a stream."""
    return open(os.devnull, "w", encoding="utf-8")
