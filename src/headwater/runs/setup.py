"""What a run begins with: a model, from a folder or from random weights, and how it is adapted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from headwater.checkpoints.description import read_config
from headwater.checkpoints.folder import load_model, load_multi_task, save_model
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import Adaptation, Base
from headwater.data.convert import FeatureSet
from headwater.errors import UserError
from headwater.files import read_json
from headwater.methods.method import Method
from headwater.methods.names import build_method
from headwater.models.build import Model, build_model, build_multi_task
from headwater.models.config import ModelConfig
from headwater.models.families import AnyFamily, family_of, preset, sizes_of
from headwater.models.feature_model import FeatureModel
from headwater.models.head_names import TaskHead
from headwater.models.per_task_loss import PerTaskLoss
from headwater.models.text_to_text import TextToText
from headwater.runs.feature_cache import keep_features
from headwater.runs.network import random_network
from headwater.runs.recipe import Recipe, RunRecipe
from headwater.text.loading import load_vocabulary
from headwater.text.special_tokens import SequenceLayout, layout_for
from headwater.text.vocabulary import Vocabulary, check_fits


@dataclass(frozen=True, slots=True)
class Setup:
    """A model with its vocabulary and how it is adapted; `new_parameters` were drawn at random.

    adaptation: what is saved with an adapter that is saved without its body.
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

    @property
    def family(self) -> AnyFamily:
        """The family whose training defaults and features it takes."""
        return family_of(self.config)

    @property
    def writes_text(self) -> bool:
        """Whether it learns from pairs of texts, and needs no head."""
        return isinstance(self.model, TextToText)

    @property
    def layout(self) -> SequenceLayout:
        """The special tokens around what a model with a head reads."""
        features = isinstance(self.model, FeatureModel)
        encoder = self.family.kind == "encoder"
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

    def model_of(self, task: str) -> nn.Module:
        """Return the model with the head of one task, where it has several."""
        return self.model.for_task(task)

    def with_loss_per_task(self, names: Sequence[str]) -> nn.Module:
        """Return a model that gives a loss for each task, as one with several heads does."""
        return PerTaskLoss(self.model, names) if isinstance(self.model, TextToText) else self.model

    def keep_features(self, sets: Sequence[FeatureSet], device: torch.device) -> None:
        """Have the frozen body of a feature model compute its outputs once."""
        assert isinstance(self.model, FeatureModel)
        self.model.to(device)
        self.model.known = keep_features(self.model, sets, self.pad_id)

    def save(self, folder: Path, extra: Mapping[str, Any]) -> None:
        """Write the model with its vocabulary and what else answering needs."""
        adaptation, vocabulary = self.adaptation, self.vocabulary
        save_model(folder, self.model, adaptation=adaptation, vocabulary=vocabulary, extra=extra)

    def excluded_parameters(self, model: nn.Module) -> set[str]:
        """Name what of a model that trains (this one, or one around it) is saved with its body."""
        if self.adaptation is None:
            return set()
        return {name for name, each in model.named_parameters() if not each.requires_grad}


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
        model, vocabulary = random_network(recipe.network, name, vocabulary, build)
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
        model, vocabulary = random_network(recipe.network, None, None, build)
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
    return Setup(model, vocabulary, method, new_parameters, adaptation)


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
