"""What a run begins with: a model, from a folder or from random weights, and how it is adapted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from headwater.checkpoints.description import check_number, names_activation, read_config
from headwater.checkpoints.folder import know_words, load_model, load_multi_task
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import Adaptation, Base
from headwater.errors import UserError, did_you_mean
from headwater.files import read_json
from headwater.inference.generation_file import OWN_LENGTHS, read_generation
from headwater.methods.method import Method
from headwater.methods.names import build_method
from headwater.models.build import Model, build_model, build_multi_task
from headwater.models.config import HeadName, ModelConfig, TaskHead
from headwater.models.families import AnyFamily, family_of, preset, sizes_of
from headwater.models.feature_model import FeatureModel
from headwater.models.memory import check_memory
from headwater.models.text_to_text import TextToText
from headwater.nn.feedforward import ACTIVATIONS
from headwater.runs.recipe import NetworkConfig, Recipe, RunRecipe
from headwater.text.loading import load_vocabulary
from headwater.text.sequence_layout import SequenceLayout, layout_for
from headwater.text.vocabulary import Vocabulary, check_fits


@dataclass(frozen=True, slots=True)
class Setup:
    """A model with its vocabulary and how it is adapted; `new_parameters` were drawn at random.

    adaptation: what is saved with an adapter that is saved without its body.
    generation: how the model it begins with writes, but for the lengths, which the recipe sets.
    """

    model: Model
    vocabulary: Vocabulary
    method: Method
    new_parameters: tuple[str, ...]
    adaptation: Adaptation | None = None
    generation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def writes_text(self) -> bool:
        """Whether it learns from pairs of texts, and needs no head."""
        return isinstance(self.model, TextToText)

    @property
    def layout(self) -> SequenceLayout:
        """The special tokens around what a model with a head reads."""
        features = isinstance(self.model, FeatureModel)
        encoder = family_of(self.model.config).kind == "encoder"
        return layout_for(self.vocabulary, encoder=encoder, features=features)

    @property
    def pad_id(self) -> int:
        """What sequences are filled up with; masked wherever it matters."""
        return self.vocabulary.pad_id or 0

    @property
    def identity(self) -> dict[str, Any]:
        """What a resumed run must have in common with its beginning."""
        base = {} if self.adaptation is None else {"base": self.adaptation.base.sha256}
        return {"vocabulary": self.vocabulary.fingerprint} | base


def recipe_family(recipe: RunRecipe) -> AnyFamily:
    """Tell the family from the preset's name or the model's config.json, without its weights."""
    if recipe.network is not None:
        return family_of(preset(recipe.network.preset))
    assert recipe.model is not None
    file = resolve(recipe.model) / "config.json"
    return family_of(read_config(read_json(file), str(file)))


def build_setup(
    recipe: RunRecipe, head: TaskHead | None, vocabulary: Vocabulary | None = None
) -> Setup:
    """Load or build what the recipe begins with.

    Args:
        head: the head to put on; None for a model that needs none.
        vocabulary: that of the corpus, which a network takes that names none of its own.
    """
    name, labels = (head.head, head.labels or None) if head else (None, None)
    if recipe.network is not None:
        build = partial(build_model, head=name, labels=labels)
        model, vocabulary = _random_network(recipe.network, name, vocabulary, build)
        return _adapted_setup(recipe, model, vocabulary)
    assert recipe.model is not None
    folder = resolve(recipe.model)
    loaded = load_model(folder, name, labels=labels)
    return _adapted_setup(recipe, loaded.model, load_vocabulary(folder), loaded.new_parameters)


def build_features_setup(recipe: RunRecipe, head: TaskHead, *, pairs: bool) -> Setup:
    """Load a body, and put a small model on it that reads its outputs.

    Args:
        pairs: whether some texts have a second one.
    """
    if head.head not in ("span", "sequence", "regression", "token"):
        raise UserError(f"method 'features': there is no small model for a {head.head} head")
    setup = build_setup(recipe.model_copy(update={"method": "all"}), None)
    body = setup.model.body
    model = FeatureModel(body, recipe.features, head.head, head.labels, pairs=pairs)
    return _adapted_setup(recipe, model, setup.vocabulary)


def build_multi_task_setup(recipe: RunRecipe, heads: Mapping[str, TaskHead]) -> Setup:
    """Load or build a body with a head for each task."""
    if recipe.network is not None:
        build = partial(build_multi_task, tasks=heads)
        model, vocabulary = _random_network(recipe.network, None, None, build)
        return _adapted_setup(recipe, model, vocabulary)
    assert recipe.model is not None
    folder = resolve(recipe.model)
    loaded = load_multi_task(folder, heads)
    return _adapted_setup(recipe, loaded.model, load_vocabulary(folder), loaded.new_parameters)


def _adapted_setup(
    recipe: RunRecipe, model: Model, vocabulary: Vocabulary, new_parameters: tuple[str, ...] = ()
) -> Setup:
    """Adapt a model in the recipe's way."""
    check_fits(vocabulary, model.config.vocab_size, recipe.model or "network")
    method = build_method(recipe)
    adaptation = _adaptation(recipe) if method.saves_adapter_only else None
    method.attach(model)
    generation = {}
    if recipe.model is not None:
        found = read_generation(resolve(recipe.model), model.config)
        generation = {name: each for name, each in found.items() if name not in OWN_LENGTHS}
    return Setup(model, vocabulary, method, new_parameters, adaptation, generation)


def _adaptation(recipe: RunRecipe) -> Adaptation:
    if recipe.model is None:
        raise UserError(
            f"method {recipe.method!r} adapts a pre-trained model: give model in place of [network]"
        )
    return Adaptation(recipe, Base.of(recipe.model))


def fit_lengths(recipe: Recipe, config: ModelConfig) -> Recipe:
    """Shorten inputs whose length the recipe leaves open to what a model with a head can read."""
    longest = sizes_of(config).longest_input
    for name, shape in (("spans", recipe.spans), ("sequence", recipe.sequence)):
        if shape.max_length > longest and "max_length" in shape.model_fields_set:
            raise UserError(
                f"{name}.max_length = {shape.max_length}: this model reads {longest} tokens at most"
            )
    fitting = {"spans": recipe.spans.fitting(longest), "sequence": recipe.sequence.fitting(longest)}
    return recipe.model_copy(update=fitting)


def _random_network(
    network: NetworkConfig,
    head: HeadName | None,
    vocabulary: Vocabulary | None,
    build: Callable[[ModelConfig], Model],
) -> tuple[Model, Vocabulary]:
    """Build a network of the preset's sizes, and return it with its vocabulary."""
    if network.vocabulary is not None:
        vocabulary = load_vocabulary(Path(network.vocabulary).expanduser())
    if vocabulary is None:
        raise UserError("missing key 'network.vocabulary': a folder or file with a vocabulary")
    config = _sized(preset(network.preset), network, vocabulary)
    check_memory(config, head)
    model = build(config)
    know_words(model, vocabulary)
    return model, vocabulary


def _sized(config: ModelConfig, network: NetworkConfig, vocabulary: Vocabulary) -> ModelConfig:
    """Lay the vocabulary's ids and the recipe's sizes over a preset."""
    names = [field.name for field in fields(config) if field.name != "model_type"]
    known = {name: getattr(config, name) for name in names}
    for name, value in network.sizes.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise UserError(f"network.sizes: {network.preset} has no size {name!r}; {hint}")
        _check_size(name, value, config)
    pad, eos = vocabulary.pad_id, vocabulary.eos_id
    special_tokens = {
        "pad_token_id": pad,
        "bos_token_id": eos,  # a GPT-2 begins a text with what ends the one before
        "eos_token_id": eos,
        "decoder_start_token_id": pad,
    }
    ids = {name: id for name, id in special_tokens.items() if name in known and id is not None}
    sizes: dict[str, Any] = {"vocab_size": vocabulary.size} | ids | network.sizes
    return replace(config, **family_of(config).complete_sizes(sizes))


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
