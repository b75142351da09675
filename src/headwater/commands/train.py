"""`headwater finetune` and `headwater pretrain`: a training run from a recipe."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.commands.terminal import (
    Corpus,
    InitialModel,
    Json,
    Objective,
    Recipe,
    Resume,
    RunFolder,
    Settings,
    option,
    print_json,
)
from headwater.signals import exit_code

if TYPE_CHECKING:
    from headwater.training.hooks import Outcome

logger = logging.getLogger(__name__)

LearnedTask = Annotated[str | None, option("What to learn.", "TASK")]
TrainingFiles = Annotated[list[Path] | None, option("Training file; repeatable.", "FILE")]


def finetune(
    recipe: Recipe = None,
    model: InitialModel = None,
    task: LearnedTask = None,
    data: TrainingFiles = None,
    output: RunFolder = None,
    settings: Settings = None,
    resume: Resume = False,
    json: Json = False,
) -> None:
    """Adapt a pre-trained model (or train one from random weights) to a task."""
    from headwater.runs import recipe as recipes
    from headwater.runs.finetune import finetune as run

    folder = recipes.run_folder(output, recipe)
    options = recipes.from_command_line(model, task, data)
    source = recipes.continued(recipe, folder, resume, bool(options))
    loaded = recipes.load_recipe(recipes.Recipe, source, options, settings or [])
    _end(folder, run(loaded, folder, resume=resume), json)


def pretrain(
    recipe: Recipe = None,
    objective: Objective = None,
    corpus: Corpus = None,
    model: InitialModel = None,
    output: RunFolder = None,
    settings: Settings = None,
    resume: Resume = False,
    json: Json = False,
) -> None:
    """Train a model on raw text by a self-supervised objective."""
    from headwater.runs import recipe as recipes
    from headwater.runs.pretrain import pretrain as run

    folder = recipes.run_folder(output, recipe)
    options = pretraining_options(objective, model, corpus)
    source = recipes.continued(recipe, folder, resume, bool(options))
    loaded = recipes.load_recipe(recipes.PretrainRecipe, source, options, settings or [])
    _end(folder, run(loaded, folder, resume=resume), json)


def pretraining_options(
    objective: str | None, model: str | None, corpus: str | None
) -> Mapping[str, Any]:
    """Return what the options of `pretrain` stand for in a recipe."""
    given = {"objective": objective, "model": model, "corpus": corpus and {"train": corpus}}
    return {name: value for name, value in given.items() if value}


def _end(folder: Path, outcome: "Outcome", as_json: bool) -> None:
    """Say how a run ended, and exit as it did."""
    code = exit_code(outcome.reason)
    if as_json:
        keys = ("reason", "step", "best_step", "best_value")
        summary = {"output": str(folder)} | {key: getattr(outcome, key) for key in keys}
        print_json(summary | {"exit_code": code})
    elif code == 0:
        print(folder)
    if outcome.reason in ("sigterm", "sigint", "time_limit"):
        done = f"step {outcome.step} of {outcome.total}"
        logger.info(
            f"stopped at {done} ({outcome.reason}); continue: the same command with --resume"
        )
    raise typer.Exit(code)
