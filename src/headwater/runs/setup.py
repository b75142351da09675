"""What a run begins from: a pre-trained folder with a head put on, or random weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from headwater.checkpoints.adaptation import Adaptation, Base
from headwater.checkpoints.configs import check_number, names_activation, read_config
from headwater.checkpoints.folder import load_model, load_multi_task, save_model
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.spelling import know_words
from headwater.errors import UserError, did_you_mean
from headwater.files import read_json
from headwater.methods.method import Method
from headwater.methods.names import build_method
from headwater.models.build import Model, build_model, build_multi_task
from headwater.models.config import ModelConfig
from headwater.models.families import AnyFamily, family_of, preset, sizes_of
from headwater.models.feature_model import FeatureModel
from headwater.models.head_names import HeadName, TaskHead
from headwater.models.memory import check_memory
from headwater.models.text_to_text import TextToText
from headwater.nn.feedforward import ACTIVATIONS
from headwater.runs.recipe import NetworkConfig, Recipe, RunRecipe
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary, check_fits


@dataclass(frozen=True, slots=True)
class Setup:
    """A model with its vocabulary and how it is adapted; `new_parameters` were drawn at random.

    adaptation: what is saved with weights that are saved alone.
    """

    model: Model
    vocabulary: Vocabulary
    method: Method
    new_parameters: tuple[str, ...]
    adaptation: Adaptation | None = None

    @property
    def config(self) -> ModelConfig:
        """The model's sizes."""
        return self.model.config

    def save(self, folder: Path, extra: Mapping[str, Any]) -> None:
        """Write the model with what answering needs to know beside its weights."""
        save_model(
            folder,
            self.model,
            adaptation=self.adaptation,
            vocabulary=self.vocabulary,
            extra=extra,
        )

    def elsewhere(self, model: nn.Module) -> set[str]:
        """Name what of a model that trains (this one, or one around it) is saved with its body."""
        if self.adaptation is None:
            return set()
        return {name for name, each in model.named_parameters() if not each.requires_grad}

    @property
    def identity(self) -> dict[str, str]:
        """What a resumed run must have in common with its beginning."""
        base = {} if self.adaptation is None else {"base": repr(self.adaptation.base.sha256)}
        return {"vocabulary": self.vocabulary.fingerprint} | base

    @property
    def family(self) -> AnyFamily:
        """The family whose training defaults and features it takes."""
        return family_of(self.config)

    @property
    def writes(self) -> bool:
        """Whether the model learns to write targets."""
        return isinstance(self.model, TextToText)

    @property
    def pad_id(self) -> int:
        """What rows are filled up with; masked wherever it matters."""
        return self.vocabulary.pad_id or 0


def recipe_family(recipe: RunRecipe) -> AnyFamily:
    """Tell the family from the preset's name or the model's config.json, without torch's weights.

    Raises:
        UserError: there is no such preset or model.
    """
    if recipe.network is not None:
        return family_of(preset(recipe.network.preset))
    assert recipe.model is not None
    file = resolve(recipe.model) / "config.json"
    return family_of(read_config(read_json(file), str(file)))


def start(
    recipe: RunRecipe,
    head: HeadName | None,
    vocabulary: Vocabulary | None = None,
    *,
    labels: Sequence[str] = (),
) -> Setup:
    """Load or build what the recipe begins from.

    Args:
        head: the head to put on; None for a model that writes.
        labels: what it chooses from, where it does.
        vocabulary: that of the corpus, which a network takes that names none of its own.

    Raises:
        UserError: the model cannot be found or is broken, or does not fit its vocabulary or task.
    """
    if recipe.network is not None:
        build = partial(build_model, head=head, labels=labels or None)
        model, vocabulary = _from_random(recipe.network, head, vocabulary, build)
        return _setup(recipe, model, vocabulary)
    assert recipe.model is not None
    folder = resolve(recipe.model)
    loaded = load_model(folder, head, labels=labels or None)
    return _setup(recipe, loaded.model, load_vocabulary(folder), loaded.new_parameters)


def start_features(recipe: RunRecipe, head: TaskHead, *, pairs: bool) -> Setup:
    """Load what the recipe begins from, and put a small model on it that reads its features.

    Args:
        pairs: whether some texts have a second one beside them.

    Raises:
        UserError: as `start`, or a task cannot be learned so.
    """
    if head.head not in ("span", "sequence", "regression", "token"):
        raise UserError(f"method 'features': there is no small model for a {head.head} head")
    setup = start(recipe.model_copy(update={"method": "all"}), None)
    model = FeatureModel(setup.model.body, recipe.features, head.head, head.labels, pairs=pairs)
    return _setup(recipe, model, setup.vocabulary)


def start_several(recipe: RunRecipe, heads: Mapping[str, TaskHead]) -> Setup:
    """Load or build a body with a head for each task; see `start`."""
    if recipe.network is not None:
        build = partial(build_multi_task, tasks=heads)
        model, vocabulary = _from_random(recipe.network, None, None, build)
        return _setup(recipe, model, vocabulary)
    assert recipe.model is not None
    folder = resolve(recipe.model)
    loaded = load_multi_task(folder, heads)
    return _setup(recipe, loaded.model, load_vocabulary(folder), loaded.new_parameters)


def _setup(
    recipe: RunRecipe, model: Model, vocabulary: Vocabulary, new_parameters: tuple[str, ...] = ()
) -> Setup:
    """Adapt a model in the recipe's way."""
    check_fits(vocabulary, model.config.vocab_size, recipe.model or "network")
    method = build_method(recipe)
    adaptation = _adaptation(recipe) if method.alone else None
    method.attach(model)
    return Setup(model, vocabulary, method, new_parameters, adaptation)


def _adaptation(recipe: RunRecipe) -> Adaptation:
    if recipe.model is None:
        raise UserError(
            f"method {recipe.method!r} adapts a pre-trained model: give model in place of [network]"
        )
    return Adaptation(recipe, Base.of(recipe.model))


def _from_random(
    network: NetworkConfig,
    head: HeadName | None,
    vocabulary: Vocabulary | None,
    build: Callable[[ModelConfig], Model],
) -> tuple[Model, Vocabulary]:
    if network.vocabulary is not None:
        vocabulary = load_vocabulary(Path(network.vocabulary).expanduser())
    if vocabulary is None:
        raise UserError("missing key 'network.vocabulary': a folder or file with a vocabulary")
    config = preset(network.preset)
    names = [field.name for field in fields(config) if field.name != "model_type"]
    known = {name: getattr(config, name) for name in names}
    for name, value in network.sizes.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise UserError(f"network.sizes: {network.preset} has no size {name!r}; {hint}")
        _check_size(name, value, config)
    pad, eos = vocabulary.pad_id, vocabulary.eos_id
    marks = {
        "pad_token_id": pad,
        "bos_token_id": eos,  # a GPT-2 begins a text with what ends the one before
        "eos_token_id": eos,
        "decoder_start_token_id": pad,
    }
    own = {name: id for name, id in marks.items() if name in known and id is not None}
    sizes: dict[str, Any] = {"vocab_size": vocabulary.size} | own | network.sizes
    config = replace(config, **_one_stack(sizes))
    check_memory(config, head)
    model = build(config)
    know_words(model, vocabulary)
    return model, vocabulary


def _one_stack(sizes: dict[str, Any]) -> dict[str, Any]:
    """Give a T5 whose two sides must be of one depth that of its `num_layers`, unless said."""
    one = sizes.get("architecture", "encoder_decoder") != "encoder_decoder"
    depth = {"num_decoder_layers": sizes["num_layers"]} if one and "num_layers" in sizes else {}
    return depth | sizes


def _check_size(name: str, value: Any, config: ModelConfig) -> None:
    """Refuse a value that no network can be built with; `config` is the preset's."""
    example = getattr(config, name)
    where = f"network.sizes.{name} = {value!r}"
    if isinstance(example, tuple):
        return  # the config checks what is in it
    if type(value) is not type(example) and not (type(value) is int and type(example) is float):
        raise UserError(f"{where}: expected one like {example!r}")
    if type(value) in (int, float):
        check_number(name, float(value) if type(example) is float else value, where)
    named = isinstance(value, str) and names_activation(config, name)
    if named and value.removeprefix("gated-") not in ACTIVATIONS:
        raise UserError(f"{where}: there are {', '.join(ACTIVATIONS)}")


def fit_lengths(recipe: Recipe, config: ModelConfig) -> Recipe:
    """Shorten inputs of lengths that nobody asked for to what a model with a head can read.

    Raises:
        UserError: the recipe asks for inputs that are too long.
    """
    longest = sizes_of(config).longest_input
    for name, shape in (("spans", recipe.spans), ("sequence", recipe.sequence)):
        if shape.max_length > longest and "max_length" in shape.model_fields_set:
            raise UserError(
                f"{name}.max_length = {shape.max_length}: this model reads {longest} tokens at most"
            )
    fitting = {"spans": recipe.spans.fitting(longest), "sequence": recipe.sequence.fitting(longest)}
    return recipe.model_copy(update=fitting)
