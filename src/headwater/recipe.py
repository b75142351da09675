"""A recipe: everything that one run needs, in one TOML file. Imports no torch.

Fine-tuning:

    model = "path/to/minilm"
    task = "squad_v2"

    [data]
    train = ["train-v2.0.json"]
    validation = ["dev-v2.0.json"]

    [training]
    epochs = 2

Pre-training:

    objective = "mlm"

    [network]
    preset = "bert-base-uncased"
    sizes = { num_hidden_layers = 4 }

    [corpus]
    train = "runs/wikipedia"

    [mlm]
    max_length = 128

A recipe holds only what differs from the defaults; those of `[training]` depend on the family of
the model. Paths count from the current directory.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from headwater.config import Config, load_config, merge
from headwater.data.config import DataConfig, TextConfig
from headwater.errors import UserError
from headwater.methods.head_only import MethodName
from headwater.objectives.cbow import WordWindowsConfig
from headwater.objectives.lm import LanguageModelConfig
from headwater.objectives.mlm import MaskedLMConfig
from headwater.objectives.span_corruption import SpanCorruptionConfig
from headwater.tasks.spans_config import SpanConfig
from headwater.training.config import FAMILY_DEFAULTS, Family, TrainingConfig

MOST_REPEATS = 1000  # readings of a store in one epoch; each takes memory

ObjectiveName = Literal["bilm", "cbow", "mlm", "lm", "prefix_lm", "span_corruption"]


class NetworkConfig(Config):
    """A model from random weights: a preset's sizes, changed where `sizes` says so."""

    preset: str
    vocabulary: str | None = None
    """A folder or file; pre-training takes the corpus' own."""
    sizes: dict[str, int | float | str | bool | list[list[int]]] = Field(default={})


class RunRecipe(Config):
    """What every run begins from: a `model` (a folder, a hub id, a bundled name) or a `network`.

    method: which parameters train: `all`, or those of the head alone, `head_only`.
    """

    model: str | None = None
    network: NetworkConfig | None = None
    method: MethodName = "all"
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if (self.model is None) == (self.network is None):
            raise ValueError(
                "give either model (a folder, hub id or bundled name) or a [network] with random "
                "weights"
            )
        return self


class Recipe(RunRecipe):
    """One fine-tuning run."""

    task: str
    data: DataConfig
    spans: SpanConfig = SpanConfig()
    text: TextConfig = TextConfig()


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class CorpusConfig(Config):
    """The token stores of a run, as `headwater corpus build` makes them.

    train: one store, or a list of stores that one vocabulary made, which are read as one.
    repeats: how often each of them is read per epoch; left out: once.
    validation: another store, to measure the held-out loss on.
    validation_rows: the most rows of it that are measured.
    """

    train: Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]
    repeats: list[Annotated[int, Field(ge=1, le=MOST_REPEATS)]] = Field(default=[])
    validation: str | None = None
    validation_rows: PositiveInt = 512

    @model_validator(mode="after")
    def _one_number_each(self) -> Self:
        if self.repeats and len(self.repeats) != len(self.train):
            raise ValueError(
                f"repeats: {len(self.repeats)} numbers for {len(self.train)} stores; "
                "give one for each"
            )
        return self


class PretrainRecipe(RunRecipe):
    """One pre-training run; the table named like the objective shapes its rows."""

    objective: ObjectiveName
    corpus: CorpusConfig
    cbow: WordWindowsConfig = WordWindowsConfig()
    mlm: MaskedLMConfig = MaskedLMConfig()
    lm: LanguageModelConfig = LanguageModelConfig()
    span_corruption: SpanCorruptionConfig = SpanCorruptionConfig()


R = TypeVar("R", bound=RunRecipe)


def load_recipe(
    kind: type[R], path: Path | None, options: Mapping[str, Any], overrides: Sequence[str]
) -> R:
    """Read a recipe of that kind.

    Args:
        path: the TOML file, or None where `options` give everything.
        options: values from the command line, nested as in the file; they win over the file.
        overrides: `a.b=VALUE` texts; they win over all.

    Raises:
        UserError: a key or value is wrong; the nearest key is named.
    """
    return load_config(kind, path, overrides, options)


def resolved(recipe: R, family: Family) -> R:
    """Put the training defaults of a family under what the recipe itself says."""
    values: dict[str, Any] = {"training": dict(FAMILY_DEFAULTS[family])}
    merge(values, recipe.model_dump(exclude_unset=True))
    checked = type(recipe).check(values, "recipe")
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


def continued(recipe: Path | None, folder: Path, resume: bool) -> Path | None:
    """Return the recipe that a run began with, where it is continued and none is named."""
    begun = folder / "config.toml"
    return begun if resume and recipe is None and begun.exists() else recipe


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
