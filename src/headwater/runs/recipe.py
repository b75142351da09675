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

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from headwater.config import Config, at_line, load_config, merge, read_toml
from headwater.data.config import DataConfig, SequenceConfig, SpanConfig, TextConfig
from headwater.errors import UserError
from headwater.methods.config import MethodConfig
from headwater.models.families import AnyFamily
from headwater.models.loss_config import LossConfig
from headwater.objectives.names import ObjectiveConfig
from headwater.tasks.names import task as find_task
from headwater.training.config import (
    FEATURES_DEFAULTS,
    HEADS_BATCH,
    METHOD_DEFAULTS,
    PRETRAINING_RATE,
    TrainingConfig,
)


class NetworkConfig(Config):
    """A model from random weights: a preset's sizes, changed where `sizes` says so.

    preset: a name of `headwater models`.
    vocabulary: a folder or file of it; a model, a run or a token store stands for its own.
        Pre-training takes that of the corpus, if left out.
    sizes: changes to the preset, by the names of its family's config.json
        (docs/reference/settings.md#sizes-of-networks).
    """

    preset: str
    vocabulary: str | None = None
    sizes: dict[str, int | float | str | bool | list[list[int]]] = Field(default={})


class DecoderConfig(Config):
    """A decoder put on an encoder, which then writes text (Rothe et al. 2020; docs/methods.md).

    model: a BERT, a RoBERTa or a GPT-2 with whose weights it begins; left out: the encoder.
    layers: how many blocks it has; left out: as many as `start` says, all of `model`, or 2.
    start: the layer, from 0, from which each of them starts; left out: evenly spread.
    positions: the most tokens it writes, the start token included; left out: 128, or fewer where
        it begins with fewer.
    tie_encoder_decoder: both sides have the encoder's weights (the paper's BERTSHARE).
    """

    model: str | None = None
    layers: PositiveInt | None = None
    start: list[NonNegativeInt] | None = Field(default=None, min_length=1)
    positions: int | None = Field(default=None, ge=2)
    tie_encoder_decoder: bool = False

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if self.start is not None and self.layers not in (None, len(self.start)):
            raise ValueError(
                f"start = {self.start}: a layer of the encoder for each of layers = {self.layers}"
            )
        return self


class RunRecipe(MethodConfig):
    """What every run begins from: a `model` or a `network`.

    model: what to start from: a folder, a run folder, a hub id or a bundled name.
    """

    model: str | None = None
    network: NetworkConfig | None = None
    training: TrainingConfig = Field(default_factory=TrainingConfig)

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if (self.model is None) == (self.network is None):
            raise ValueError(
                "give either model (a folder, hub id or bundled name) or a [network] with random "
                "weights"
            )
        return self


class PretrainRecipe(ObjectiveConfig, RunRecipe):
    """One pre-training run."""


class MixedTask(Config):
    """What a mixture holds: a task with its data, an objective over stores, or a mixture.

    task: a name of `headwater tasks`, or the file of a task of your own.
    data: that of the task.
    unlabelled: an objective with its corpus and its own table.
    mixture: tasks that are drawn as one.
    rate: how often it is drawn; given to each task of the mixture, or to none.
    """

    task: str | None = None
    data: DataConfig | None = None
    unlabelled: ObjectiveConfig | None = None
    mixture: "MixtureConfig | None" = None
    rate: float | None = Field(default=None, gt=0, le=1e9)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [name for name in ("task", "unlabelled", "mixture") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("give one of task (with data), unlabelled and mixture")
        if (self.task is None) != (self.data is None):
            raise ValueError("a task needs data, and data a task")
        inner = self.mixture
        if inner is not None and (inner.best_each or inner.default_task):
            key = "best_each" if inner.best_each else "default_task"
            raise ValueError(f"{key} is for the run's own mixture, not for one inside of it")
        return self


class MixtureConfig(Config):
    """Tasks that are learned together, and how often each is drawn (docs/mixtures.md).

    tasks: what is learned together, a table for each.
    rates: `proportional` to the examples of each (if left out), `equal`, or `temperature`.
    cap: count at most so many examples of each (the T5 paper's K; not for `equal`).
    temperature: of `temperature`, 2 if left out; 1 is proportional, a large one nearly equal.
    best_each: keep the best weights of each task, too; only in the run's own mixture.
    default_task: whose head answers where several could and none is named, as in `tag TEXT`; only
        in the run's own mixture.
    """

    tasks: list[MixedTask] = Field(min_length=1)
    rates: Literal["proportional", "equal", "temperature"] | None = None
    cap: int | None = Field(default=None, ge=1, le=10**15)
    temperature: float | None = Field(default=None, gt=0)
    best_each: bool = False
    default_task: str | None = None

    def leaves(self) -> list[MixedTask]:
        """Return its tasks and objectives, those of inner mixtures in their place."""
        inner = ([each] if each.mixture is None else each.mixture.leaves() for each in self.tasks)
        return [leaf for leaves in inner for leaf in leaves]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        own = [each.rate is not None for each in self.tasks]
        if any(own) and not all(own):
            raise ValueError("give a rate to each of the tasks, or to none")
        if self.temperature is not None and self.rates != "temperature":
            raise ValueError('temperature is for rates = "temperature"')
        if self.cap is not None and (self.rates == "equal" or all(own)):
            raise ValueError("cap counts examples, which equal or given rates do not ask for")
        if all(own) and self.rates is not None:
            raise ValueError("give rates by name, or each task its own rate, not both")
        return self


MixedTask.model_rebuild()  # its mixture is known now


class Recipe(RunRecipe):
    """One fine-tuning run, on a task or on a mixture of tasks.

    task: a name of `headwater tasks`, or the file of a task of your own (docs/own_tasks.md).

    Of a GPT only (docs/tasks.md#a-gpt-as-its-paper-adapts-it):
        as_text: learn to write the targets, in place of a head; left out: where no head can do it.
        auxiliary_lm: the weight of the loss of the text itself beside that of the head; the paper
            has 0.5; 0 or left out: none.
    """

    task: str | None = None
    data: DataConfig | None = None
    mixture: MixtureConfig | None = None
    spans: SpanConfig = SpanConfig()
    sequence: SequenceConfig = SequenceConfig()
    text: TextConfig = TextConfig()
    loss: LossConfig = LossConfig()
    decoder: DecoderConfig | None = None
    as_text: bool | None = None
    auxiliary_lm: float | None = Field(default=None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _task_or_mixture(cls, values: Any) -> Any:
        given = {key for key, value in dict(values).items() if value is not None}
        if "mixture" in given and given & {"task", "data"}:
            raise ValueError(
                "give a task with its data, or a [mixture] whose tasks have their own, not both"
            )
        return values

    @model_validator(mode="after")
    def _one_task(self) -> Self:
        if self.mixture is None and self.task is None:
            raise ValueError("missing key 'task' (or a [mixture] of tasks)")
        if self.mixture is None and self.data is None:
            raise ValueError("missing key 'data'")
        return self


Verb = Literal["finetune", "pretrain"]
AnyRecipe = Recipe | PretrainRecipe

_VERBS: tuple[tuple[type[AnyRecipe], Verb, set[str]], ...] = (
    (Recipe, "finetune", {"task", "data", "mixture"}),
    (PretrainRecipe, "pretrain", {"objective", "corpus"}),
)
"""The kinds of recipes, the verb that each is for, and the keys that no other has."""

R = TypeVar("R", bound=RunRecipe)


def verb_of(path: Path | None, options: Collection[str] = ()) -> Verb:
    """Return the verb that a recipe is for, by the keys of its file and of the command line."""
    keys = {*(read_toml(path) if path else ()), *options}
    found = [verb for _, verb, own in _VERBS if own & keys]
    return found[-1] if found else "finetune"


def load_any_recipe(
    path: Path | None, options: Mapping[str, Any], overrides: Sequence[str]
) -> AnyRecipe:
    """Read a recipe of fine-tuning or of pre-training, whichever it is; see `load_recipe`."""
    if verb_of(path, options) == "pretrain":
        return load_recipe(PretrainRecipe, path, options, overrides)
    return load_recipe(Recipe, path, options, overrides)


def load_recipe(
    kind: type[R], path: Path | None, options: Mapping[str, Any], overrides: Sequence[str]
) -> R:
    """Read a recipe of that kind.

    Args:
        kind: `Recipe` or `PretrainRecipe`.
        path: the TOML file, or None where `options` give everything.
        options: values from the command line, nested as in the file; they win over the file.
        overrides: `a.b=VALUE` texts; they win over all.
    """
    if path is not None:
        keys = read_toml(path).keys()
        for other, verb, own in _VERBS:
            if other is not kind and (found := sorted(own & keys)[:1]):
                raise UserError(
                    f"{at_line(path, found)}: has the key {found[0]!r}, so it is a recipe for "
                    f"`headwater {verb}`"
                )
    return load_config(kind, path, overrides, options)


def resolved(recipe: R, family: AnyFamily) -> R:
    """Put the training defaults of a family and of a method under what the recipe itself says."""
    usual = _usual(recipe, family)
    given, own = recipe.training, METHOD_DEFAULTS.get(recipe.method, {})
    if "optimizer" in given.model_fields_set and given.optimizer != own.get("optimizer"):
        own = {}  # a learning rate of another optimizer would mean another thing
    values: dict[str, Any] = {"training": {**usual, **own}}
    counted = isinstance(recipe, Recipe) and _counts_examples(recipe)
    if counted and family.kind == "encoder" and "batch" not in given.model_fields_set:
        values["training"]["batch"] = HEADS_BATCH
    merge(values, recipe.model_dump(exclude_unset=True))
    checked = type(recipe).check(values, "recipe")
    training = checked.training
    rates = {"learning_rate": training.peak_learning_rate, "weight_decay": training.decay}
    return checked.model_copy(update={"training": training.model_copy(update=rates)})


def _usual(recipe: RunRecipe, family: AnyFamily) -> Mapping[str, Any]:
    """Return what a family trains with, fresh weights in pre-training faster than others."""
    if recipe.method == "features":
        return FEATURES_DEFAULTS
    if not isinstance(recipe, PretrainRecipe):
        return family.training
    given, own = recipe.training, family.training["optimizer"]
    optimizer = given.optimizer if "optimizer" in given.model_fields_set else own
    more = family.pretraining if optimizer == own else {}
    return {"learning_rate": PRETRAINING_RATE[optimizer], **family.training, **more}


def _counts_examples(recipe: Recipe) -> bool:
    """Tell whether the number of a batch's examples matters more than that of its tokens."""
    return recipe.task is None or find_task(recipe.task).kind == "embedding"


def best_is_lowest(recipe: R) -> R:
    """Resolve `best_is` of a recipe whose weights are chosen by a loss, unless it says it."""
    if "best_is" in recipe.training.model_fields_set:
        return recipe
    training = recipe.training.model_copy(update={"best_is": "lowest"})
    return recipe.model_copy(update={"training": training})
