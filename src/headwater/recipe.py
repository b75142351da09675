"""A recipe: everything that one fine-tuning run needs, in one TOML file. Imports no torch.

    model = "path/to/minilm"
    task = "squad_v2"

    [data]
    train = ["train-v2.0.json"]
    validation = ["dev-v2.0.json"]

    [training]
    epochs = 2

A recipe holds only what differs from the defaults; those of `[training]` depend on the family of
the model. Paths count from the current directory.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from headwater.config import Config, load_config, merge
from headwater.data.config import DataConfig, TextConfig
from headwater.errors import UserError
from headwater.tasks.spans_config import SpanConfig
from headwater.training.config import FAMILY_DEFAULTS, Family, TrainingConfig


class NetworkConfig(Config):
    """A model from random weights: a preset's sizes, changed where `sizes` says so."""

    preset: str
    vocabulary: str
    sizes: dict[str, int | float | str | bool] = Field(default={})


class Recipe(Config):
    """One fine-tuning run. `model` is a folder, a hub id or a bundled name; or give `network`."""

    model: str | None = None
    network: NetworkConfig | None = None
    task: str
    data: DataConfig
    spans: SpanConfig = SpanConfig()
    text: TextConfig = TextConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if (self.model is None) == (self.network is None):
            raise ValueError(
                "give either model (a folder, hub id or bundled name) or a [network] with random "
                "weights"
            )
        return self


def load_recipe(path: Path | None, options: Mapping[str, Any], overrides: Sequence[str]) -> Recipe:
    """Read a recipe.

    Args:
        path: the TOML file, or None where `options` give everything.
        options: values from the command line, nested as in the file; they win over the file.
        overrides: `a.b=VALUE` texts; they win over all.

    Raises:
        UserError: a key or value is wrong; the nearest key is named.
    """
    return load_config(Recipe, path, overrides, options)


def resolved(recipe: Recipe, family: Family) -> Recipe:
    """Put the training defaults of a family under what the recipe itself says."""
    values: dict[str, Any] = {"training": dict(FAMILY_DEFAULTS[family])}
    merge(values, recipe.model_dump(exclude_unset=True))
    checked = Recipe.check(values, "recipe")
    training = checked.training
    rates = {"learning_rate": training.peak_learning_rate, "weight_decay": training.decay}
    return checked.model_copy(update={"training": training.model_copy(update=rates)})


def from_command_line(
    model: str | None, task: str | None, train: Sequence[Path] | None
) -> dict[str, Any]:
    """Nest the options of `finetune` as a recipe has them; those not given are left out."""
    options: dict[str, Any] = {}
    if model is not None:
        options["model"] = model
    if task is not None:
        options["task"] = task
    if train:
        options["data"] = {"train": [str(path) for path in train]}
    return options


def run_folder(output: Path | None, recipe: Path | None) -> Path:
    """Where a run goes: `output`, or `runs/` with the recipe's name.

    Raises:
        UserError: neither is given.
    """
    if output is not None:
        return output
    if recipe is None:
        raise UserError("say where the run goes: --output DIR")
    return Path("runs") / recipe.stem
