"""All verbs in one typer application."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from headwater.commands.ask import ask
from headwater.commands.corpus import corpus
from headwater.commands.evaluate import evaluate, predict, score, submit
from headwater.commands.inspect import inspect
from headwater.commands.merge import merge
from headwater.commands.models import models
from headwater.commands.study import study
from headwater.commands.tasks import tasks
from headwater.commands.train import finetune, pretrain
from headwater.commands.vectors import vectors
from headwater.commands.vocabulary import vocabulary


@contextmanager
def _to_the_reader() -> Iterator[None]:
    """Flush what was printed; end quietly when its reader has gone, as `| head` does."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None


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
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take a language model from raw text to answers: adapt it, measure it, ask it."""


for _verb in (ask, finetune, pretrain, evaluate, predict, score, submit, models, merge, study):
    app.command()(_verb)
app.add_typer(corpus, name="corpus", help="Prepare raw text for pre-training.")
app.add_typer(inspect, name="inspect", help="Look at what a model reads, attends to and predicts.")
app.add_typer(tasks, name="tasks", help="List the tasks, or look into one.")
app.add_typer(vectors, name="vectors", help="Look into the word vectors of a model.")
app.add_typer(vocabulary, name="vocabulary", help="Learn a vocabulary, or look into one.")
