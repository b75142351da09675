"""The model that a recipe trains, built of tensors without numbers, and the micro-batches it reads.

What a run would read is left out: weights, and data but for the vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headwater.checkpoints.description import Description
from headwater.checkpoints.folder import know_words
from headwater.checkpoints.hub import resolve
from headwater.corpus.remote_store import local_folder
from headwater.corpus.shards import open_store
from headwater.data.batching import collate
from headwater.data.convert import FeatureSet, PairSet
from headwater.data.token_arrays import Longs
from headwater.errors import UserError
from headwater.methods.names import build_method
from headwater.models.build import Model, empty_model, empty_multi_task
from headwater.models.config import ModelConfig, TaskHead, with_labels
from headwater.models.families import AnyFamily, kind_of, sizes_of
from headwater.models.feature_model import FeatureModel
from headwater.models.text_to_text import PerTaskLoss, TextToText
from headwater.planning.counting import Counter
from headwater.planning.material import (
    ROWS,
    objective_features,
    task_component,
    task_features,
)
from headwater.runs.causal import learns_text
from headwater.runs.embedding import with_one_length
from headwater.runs.network_sizes import sized
from headwater.runs.objective_component import ObjectiveComponent
from headwater.runs.recipe import PretrainRecipe, Recipe, RunRecipe
from headwater.runs.setup import Setup, adapted, fit_lengths, own_vocabulary, recipe_family
from headwater.runs.task_component import TaskComponent
from headwater.tasks.names import task as find_task
from headwater.text.vocabulary import Vocabulary

Planned = TaskComponent | ObjectiveComponent


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run without its data and its numbers.

    recipe: as it is resolved, with the lengths that the model can read.
    components: what it learns.
    names: of the components, in the order of a mixture; empty without one.
    """

    recipe: RunRecipe
    setup: Setup
    components: tuple[Planned, ...]
    names: tuple[str, ...]

    @property
    def model(self) -> nn.Module:
        """What trains: in a mixture it gives a loss for each task."""
        model = self.setup.model
        if self.names and isinstance(model, TextToText):
            return PerTaskLoss(model, self.names)
        return model

    @property
    def cut(self) -> bool:
        """Whether micro-batches may be cut: not where other questions of a batch are learned from.

        See `Run.whole_batches`.
        """
        return all(each.kind != "embedding" for each in self.components)

    def batches(self, share: int = 1) -> list["PlannedBatch"]:
        """Return a full micro-batch of each component, cut into so many parts."""
        found = []
        for number, each in enumerate(self.components):
            features = self._features(each)
            rows = -(-_rows(features, self.recipe) // share)
            of_task = number if self.names else None
            compared = each.kind == "embedding"
            found.append(PlannedBatch(features, rows, self.setup.pad_id, of_task, compared))
        return found

    def _features(self, component: Planned) -> FeatureSet:
        if isinstance(component, ObjectiveComponent):
            return objective_features(component.config, self.setup, self.recipe.training.seed)
        assert isinstance(self.recipe, Recipe)
        return task_features(component, self.recipe, self.setup)


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A micro-batch that is yet to be made.

    Attributes:
        features: of which it is made.
        rows: how many sequences it has.
        task: its number in a mixture.
        compared: whether each sequence is compared with all others of the batch.
    """

    features: FeatureSet
    rows: int
    pad_id: int
    task: int | None
    compared: bool

    def made(self, rows: int) -> tuple[dict[str, Tensor], int]:
        """Return the tensors of so many sequences, and how many tokens are in them."""
        longest: Longs = np.argsort(-self.features.lengths, kind="stable")[:ROWS]
        made: list[dict[str, Any]] = list(self.features.features(longest, 0))
        if self.task is not None:
            made = [{**each, "task": np.int64(self.task)} for each in made]
        tensors = collate([made[number % len(made)] for number in range(rows)], self.pad_id)
        tokens = tensors["input_ids"].numel()
        if isinstance(self.features, PairSet):
            tokens += tensors["labels"].numel()
        return tensors, tokens


def build(recipe: RunRecipe, counter: Counter) -> PlannedRun:
    """Build what a resolved recipe trains; what no run could begin with is refused."""
    family = recipe_family(recipe)
    components = _components(recipe, family)
    vocabulary = _vocabulary(recipe)
    mixed = isinstance(recipe, Recipe) and recipe.mixture is not None
    heads = _heads(recipe, family, components)
    with counter.building():
        config = _config(recipe, vocabulary)
        model = _model(recipe, config, heads, mixed=mixed)
        method = build_method(recipe)
        model, vocabulary = adapted(recipe, model, vocabulary, method, weights=False)
    know_words(model, vocabulary)  # as real as ids are
    for each in components:
        each.check(model.config)
    if isinstance(recipe, Recipe):
        recipe = with_one_length(fit_lengths(recipe, model.config), model)
    names = tuple(each.name for each in components) if mixed else ()
    return PlannedRun(recipe, Setup(model, vocabulary, method, ()), components, names)


def _components(recipe: RunRecipe, family: AnyFamily) -> tuple[Planned, ...]:
    if isinstance(recipe, PretrainRecipe):
        return (ObjectiveComponent(recipe, (), None, in_mixture=False),)
    assert isinstance(recipe, Recipe)
    if recipe.mixture is None:
        assert recipe.task is not None
        return (task_component(find_task(recipe.task), recipe),)
    found: list[Planned] = []
    for leaf in recipe.mixture.leaves():
        if leaf.unlabelled is not None:
            found.append(ObjectiveComponent(leaf.unlabelled, (), None, in_mixture=True))
        else:
            assert leaf.task is not None
            found.append(task_component(find_task(leaf.task), recipe))
    return tuple(found)


def _heads(
    recipe: RunRecipe, family: AnyFamily, components: Sequence[Planned]
) -> dict[str, TaskHead]:
    """Return the heads that the model needs; none where it writes or has an output of its own."""
    if isinstance(recipe, Recipe) and learns_text(recipe, family):
        return {}
    if isinstance(recipe, PretrainRecipe) and family.kind != "encoder":
        return {}
    return {each.name: each.head() for each in components}


def _vocabulary(recipe: RunRecipe) -> Vocabulary:
    """Load the vocabulary: of the model, of the network, or of the first token store."""
    found = own_vocabulary(recipe)
    if found is None and isinstance(recipe, PretrainRecipe):
        try:
            store = open_store(local_folder(recipe.corpus.train[0]))
        except UserError as error:
            raise UserError(
                f"{error}; or plan without it: --set network.vocabulary=FOLDER"
            ) from None
        found = store.load_vocabulary()
    if found is None:
        raise UserError("missing key 'network.vocabulary': a folder or file with a vocabulary")
    return found


def _config(recipe: RunRecipe, vocabulary: Vocabulary) -> ModelConfig:
    if recipe.network is not None:
        return sized(recipe.network, vocabulary)
    assert recipe.model is not None
    return Description.read(resolve(recipe.model)).config


def _model(
    recipe: RunRecipe, config: ModelConfig, heads: dict[str, TaskHead], *, mixed: bool
) -> Model:
    if not heads:
        return empty_model(config, None)
    if mixed:
        return empty_multi_task(config, heads)
    head = next(iter(heads.values()))
    if recipe.method == "features":
        body = empty_model(config, None).body
        assert head.head in ("span", "sequence", "regression", "token")
        return FeatureModel(body, recipe.features, head.head, head.labels)
    if kind_of(config) == "text_to_text" and isinstance(recipe, PretrainRecipe):
        return empty_model(config, None)
    return empty_model(with_labels(config, head.labels or None), head.head)


def _rows(features: FeatureSet, recipe: RunRecipe) -> int:
    """Return how many full sequences a micro-batch has."""
    batch = recipe.training.batch
    longest = int(features.lengths.max())
    return batch.examples or max(1, (batch.tokens or 0) // longest)


def compute_body_before(model: nn.Module) -> None:
    """Let a small model on a body's outputs find them, as a run computes them once beforehand."""
    if isinstance(model, FeatureModel):
        shape = len(model.layers), sizes_of(model.body.config).hidden_size
        model.known = lambda batch: torch.zeros(*batch["input_ids"].shape, *shape)
