"""`headwater finetune` and `headwater pretrain`: a training run from a recipe."""

import logging
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
    described,
    echo,
    option,
    print_json,
)
from headwater.distributed.place import place
from headwater.errors import UserError
from headwater.signals import exit_code

if TYPE_CHECKING:
    from headwater.training.hooks import Outcome

logger = logging.getLogger(__name__)

LearnedTask = Annotated[
    str | None, option("The task to learn: a name from `headwater tasks`, or a TASK.toml.", "TASK")
]
TrainingFiles = Annotated[list[Path] | None, option("Training file; repeatable.", "FILE")]
Encoder = Annotated[
    str | None, option("An encoder that gets a decoder: the model to start from.", "MODEL")
]
Decoder = Annotated[
    str | None,
    option("The decoder: a model that it begins as, or how many layers.", "MODEL|LAYERS"),
]
TieEncoderDecoder = Annotated[
    bool,
    option("Let the decoder have the encoder's own weights.", flag="--tie-encoder-decoder"),
]


@described("Adapt a pre-trained model (or train one from random weights) to a task.")
def finetune(
    recipe: Recipe = None,
    model: InitialModel = None,
    task: LearnedTask = None,
    data: TrainingFiles = None,
    encoder: Encoder = None,
    decoder: Decoder = None,
    tie_encoder_decoder: TieEncoderDecoder = False,
    output: RunFolder = None,
    settings: Settings = None,
    resume: Resume = False,
    json: Json = False,
) -> None:
    from headwater.runs import recipe as recipes
    from headwater.runs.run import finetune as run

    folder, resume = _run_folder(output, recipe), resume or restarted()
    sides = _sides(model, encoder, decoder, tie_encoder_decoder)
    options = recipe_options(task=task, data=data and [str(path) for path in data], **sides)
    source = continued(recipe, folder, resume, bool(options))
    loaded = recipes.load_recipe(recipes.Recipe, source, options, settings or [])
    _end(folder, run(loaded, folder, resume=resume), json)


@described("Train a model on raw text by a self-supervised objective.")
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
    from headwater.runs import recipe as recipes
    from headwater.runs.run import pretrain as run

    folder, resume = _run_folder(output, recipe), resume or restarted()
    options = recipe_options(objective=objective, model=model, corpus=corpus)
    source = continued(recipe, folder, resume, bool(options))
    loaded = recipes.load_recipe(recipes.PretrainRecipe, source, options, settings or [])
    _end(folder, run(loaded, folder, resume=resume), json)


def _sides(
    model: str | None, encoder: str | None, decoder: str | None, tied: bool
) -> dict[str, Any]:
    """Return the model and the `[decoder]` that options name, as a recipe has them."""
    if encoder is not None and model is not None:
        raise UserError("--encoder and --model name the same thing; give one of them")
    table: dict[str, Any] = {"tie_encoder_decoder": True} if tied else {}
    if decoder is not None:
        layers = decoder.isascii() and decoder.isdigit()
        table |= {"layers": int(decoder)} if layers else {"model": decoder}
    if encoder is not None and not table:
        raise UserError(
            "--encoder gets a decoder: add --decoder MODEL, --decoder LAYERS or "
            "--tie-encoder-decoder"
        )
    return {"model": encoder or model, "decoder": table}


def recipe_options(**given: Any) -> dict[str, Any]:
    """Return the options that are given as a recipe has them: files and stores are to train on."""
    data = ("data", "corpus")
    return {key: {"train": x} if key in data else x for key, x in given.items() if x}


def continued(recipe: Path | None, folder: Path, resume: bool, given: bool) -> Path | None:
    """Return the recipe that a run began with, where it is continued and none is named.

    It holds the defaults of that run, too. Where nothing was saved yet, given options replace it.

    Args:
        given: whether other options are given.
    """
    own = folder / "config.toml"
    if not resume or recipe is not None:
        return recipe
    if not own.exists() and not given:
        raise UserError(f"{folder}: holds no run to continue; name its folder with --output")
    saved = any((folder / "state").glob("step-*"))
    return own if own.exists() and (saved or not given) else None


def restarted() -> bool:
    """Tell whether torchrun starts the run again, which then goes on from what is saved."""
    own = place()
    return own is not None and own.restarts > 0


def _run_folder(output: Path | None, recipe: Path | None) -> Path:
    """Return where a run goes: `output`, or `runs/` with the recipe's name."""
    if output is not None:
        return output
    if recipe is None:
        raise UserError("say where the run goes: --output DIR")
    return Path("runs") / recipe.stem


def _end(folder: Path, outcome: "Outcome", as_json: bool) -> None:
    """Say how a run ended, and exit as it did."""
    # torchrun would start again what has ended after saving with another code than 0.
    code = exit_code(outcome.reason) if place() is None else 0
    if as_json:
        keys = ("reason", "step", "best_step", "best_value")
        summary = {"output": str(folder)} | {key: getattr(outcome, key) for key in keys}
        print_json(summary | {"exit_code": code})
    elif code == 0:
        echo(folder)
    if outcome.reason in ("sigterm", "sigint", "time_limit"):
        done = f"step {outcome.step} of {outcome.total}"
        logger.info(
            f"stopped at {done} ({outcome.reason}); continue: the same command with --resume"
        )
    raise typer.Exit(code)
