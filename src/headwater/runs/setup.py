"""What a run begins with: a model, from a folder or from random weights, and how it is adapted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from headwater.checkpoints.adapted import open_model
from headwater.checkpoints.description import Description
from headwater.checkpoints.folder import know_words, load_model, load_multi_task
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import (
    Adaptation,
    Base,
    check_weights_are_there,
    read_adaptation,
    refuse_adapted,
)
from headwater.checkpoints.vocabularies import vocabulary_of
from headwater.checkpoints.weights import METHOD
from headwater.config import Config
from headwater.errors import UserError
from headwater.inference.generation_file import OWN_LENGTHS, read_generation
from headwater.methods.method import Method
from headwater.methods.names import build_method
from headwater.models.build import Model, build_model, build_multi_task
from headwater.models.config import HeadName, ModelConfig, TaskHead
from headwater.models.families import AnyFamily, family_of, kind_of, preset, sizes_of
from headwater.models.feature_model import FeatureModel
from headwater.models.memory import check_memory
from headwater.models.text_to_text import TextToText
from headwater.paths import as_path
from headwater.runs.causal import prepared
from headwater.runs.decoder import family_with_decoder, with_decoder
from headwater.runs.network_sizes import sized
from headwater.runs.recipe import DecoderConfig, NetworkConfig, Recipe, RunRecipe
from headwater.text.loading import load_vocabulary
from headwater.text.sequence_layout import SequenceLayout, layout_for
from headwater.text.vocabulary import Vocabulary, check_fits

_LENGTHS = ("max_length", "max_inputs", "max_targets")


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
        encoder = kind_of(self.model.config) == "encoder"
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
    """Tell the family from the preset's name or the model's config.json, without its weights.

    It is that of what trains: with a decoder on it, an encoder is an encoder-decoder.
    """
    if recipe.network is not None:
        family = family_of(preset(recipe.network.preset))
    else:
        assert recipe.model is not None
        family = family_of(Description.read(resolve(recipe.model)).config)
    decoder = _decoder(recipe)
    return family if decoder is None else family_with_decoder(family, decoder, recipe.model)


def _decoder(recipe: RunRecipe) -> DecoderConfig | None:
    return recipe.decoder if isinstance(recipe, Recipe) else None


def own_vocabulary(recipe: RunRecipe) -> Vocabulary | None:
    """Load the vocabulary of the model that a recipe names, or of its network; None: neither's.

    To be called before data are read: a model that no run can begin with is refused here.
    """
    if recipe.model is None:
        named = recipe.network and recipe.network.vocabulary
        return load_vocabulary(as_path(named).expanduser()) if named else None
    folder = resolve(recipe.model)
    if _continued(recipe, folder) is None:
        check_weights_are_there(folder)
    vocabulary, config = vocabulary_of(folder), Description.read(folder).config
    check_fits(vocabulary, config.vocab_size, recipe.model)
    return vocabulary


def build_setup(recipe: RunRecipe, head: TaskHead | None, vocabulary: Vocabulary | None) -> Setup:
    """Load or build what the recipe begins with.

    Args:
        head: the head to put on; None for a model that needs none.
        vocabulary: that of the recipe; of a network without one that of the corpus.
    """
    name, labels = (head.head, head.labels or None) if head else (None, None)
    if recipe.network is not None:
        build = partial(build_model, head=name, labels=labels)
        model, vocabulary = _random_network(recipe.network, name, vocabulary, build)
        return _adapted_setup(recipe, model, vocabulary)
    assert recipe.model is not None
    folder = resolve(recipe.model)
    adaptation = _continued(recipe, folder)
    if adaptation is not None:
        assert vocabulary is not None, "own_vocabulary gives that of a model"
        model, method = open_model(folder).model, build_method(recipe)
        return Setup(model, vocabulary, method, (), adaptation, _generation(recipe, model))
    loaded = load_model(folder, name, labels=labels)
    return _adapted_setup(recipe, loaded.model, vocabulary, loaded.new_parameters)


def _continued(recipe: RunRecipe, folder: Path) -> Adaptation | None:
    """Return how a folder without its body was adapted, if the run goes on in the same way.

    That is for models that write; to others a new head is put, and they start from their body.
    """
    found = read_adaptation(folder)
    if found is None:
        return None
    if kind_of(Description.read(folder).config) != "text_to_text":
        refuse_adapted(folder)
    same = found.config.method == recipe.method
    if not same or found.to_json() != Adaptation(recipe, found.base).to_json():
        raise UserError(
            f"{folder}: was trained by the method and the settings in its {METHOD} "
            f"({found.config.method}); go on with the same, or start from {found.base.name}"
        )
    return found


def build_features_setup(
    recipe: RunRecipe, head: TaskHead, vocabulary: Vocabulary | None, *, pairs: bool
) -> Setup:
    """Load a body, and put a small model on it that reads its outputs.

    Args:
        pairs: whether some texts have a second one.
    """
    if head.head not in ("span", "sequence", "regression", "token"):
        raise UserError(f"method 'features': there is no small model for a {head.head} head")
    setup = build_setup(recipe.model_copy(update={"method": "all"}), None, vocabulary)
    body = setup.model.body
    model = FeatureModel(body, recipe.features, head.head, head.labels, pairs=pairs)
    return _adapted_setup(recipe, model, setup.vocabulary)


def build_multi_task_setup(
    recipe: RunRecipe, heads: Mapping[str, TaskHead], vocabulary: Vocabulary | None
) -> Setup:
    """Load or build a body with a head for each task."""
    if recipe.network is not None:
        build = partial(build_multi_task, tasks=heads)
        model, vocabulary = _random_network(recipe.network, None, vocabulary, build)
        return _adapted_setup(recipe, model, vocabulary)
    assert recipe.model is not None
    loaded = load_multi_task(resolve(recipe.model), heads)
    return _adapted_setup(recipe, loaded.model, vocabulary, loaded.new_parameters)


def _adapted_setup(
    recipe: RunRecipe,
    model: Model,
    vocabulary: Vocabulary | None,
    new_parameters: tuple[str, ...] = (),
) -> Setup:
    """Adapt a model in the recipe's way."""
    assert vocabulary is not None, "own_vocabulary gives that of a model"
    method = build_method(recipe)
    adaptation = _adaptation(recipe) if method.saves_adapter_only else None
    model, vocabulary = adapted(recipe, model, vocabulary, method)
    generation = _generation(recipe, model)
    return Setup(model, vocabulary, method, new_parameters, adaptation, generation)


def adapted(
    recipe: RunRecipe,
    model: Model,
    vocabulary: Vocabulary,
    method: Method,
    *,
    weights: bool = True,
) -> tuple[Model, Vocabulary]:
    """Return a model as the recipe trains it, with a decoder and what the method adds.

    Args:
        weights: whether those of a decoder matter, which may begin as another model.
    """
    check_fits(vocabulary, model.config.vocab_size, recipe.model or "network")
    if isinstance(recipe, Recipe):
        model, vocabulary = prepared(model, recipe, vocabulary)
        if recipe.decoder is not None:
            model = with_decoder(model, recipe, vocabulary, weights=weights)
    method.attach(model)
    return model, vocabulary


def _generation(recipe: RunRecipe, model: Model) -> dict[str, Any]:
    """Return how the model that a run begins with writes, but for the lengths."""
    if recipe.model is None:
        return {}
    found = read_generation(resolve(recipe.model), model.config)
    return {name: each for name, each in found.items() if name not in OWN_LENGTHS}


def _adaptation(recipe: RunRecipe) -> Adaptation:
    if recipe.model is None:
        raise UserError(
            f"method {recipe.method!r} adapts a pre-trained model: give model in place of [network]"
        )
    return Adaptation(recipe, Base.of(recipe.model))


def fit_lengths(recipe: Recipe, config: ModelConfig) -> Recipe:
    """Shorten inputs whose length the recipe leaves open to what a model with a head can read."""
    sizes = sizes_of(config)
    longest, written = sizes.longest_input, sizes.longest_target
    fitting: dict[str, Config] = {
        "spans": recipe.spans.fitting(longest),
        "sequence": recipe.sequence.fitting(longest),
    }
    if kind_of(config) == "text_to_text":
        fitting["text"] = recipe.text.fitting(longest, written, together=sizes.one_stack)
    for name, shorter in fitting.items():
        shape = getattr(recipe, name)
        for key in shape.model_fields_set:
            value, most = getattr(shape, key), getattr(shorter, key)
            if key in _LENGTHS and most < value:
                does = "writes" if key == "max_targets" else "reads"
                raise UserError(f"{name}.{key} = {value}: this model {does} {most} tokens at most")
    return recipe.model_copy(update=fitting)


def _random_network(
    network: NetworkConfig,
    head: HeadName | None,
    vocabulary: Vocabulary | None,
    build: Callable[[ModelConfig], Model],
) -> tuple[Model, Vocabulary]:
    """Build a network of the preset's sizes, and return it with its vocabulary."""
    if vocabulary is None:
        raise UserError("missing key 'network.vocabulary': a folder or file with a vocabulary")
    config = sized(network, vocabulary)
    check_memory(config, head)
    model = build(config)
    know_words(model, vocabulary)
    return model, vocabulary
