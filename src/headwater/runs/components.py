"""What a run learns: its components, read from a recipe, and the rates of a mixture of them.

A component is a task, or an objective over text without labels. A mixture in a mixture is drawn as
its components are, each by the product of the rates on the way.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np

from headwater.data.convert import FeatureSet
from headwater.data.preparation import prepare
from headwater.data.rates import Rates, equal, proportional, temperature
from headwater.data.task import Task
from headwater.distributed.processes import Processes
from headwater.errors import UserError, listed, with_article
from headwater.models.config import ModelConfig, TaskHead
from headwater.models.families import AnyFamily
from headwater.objectives.names import ObjectiveConfig
from headwater.runs.causal import learns_text
from headwater.runs.early_checks import check_best_metric
from headwater.runs.embedding import check_retrieval
from headwater.runs.objective_component import ObjectiveComponent
from headwater.runs.recipe import MixtureConfig, Recipe, RunRecipe
from headwater.runs.setup import Setup
from headwater.runs.task_component import TaskComponent
from headwater.tasks.names import task as find_task

R = TypeVar("R", bound=RunRecipe)
R_contra = TypeVar("R_contra", bound=RunRecipe, contravariant=True)


class Component(Protocol[R_contra]):
    """One task or objective of a run, with its data."""

    @property
    def name(self) -> str:
        """What its loss and its scores are called, and the head that a model has for it."""

    @property
    def kind(self) -> str:
        """The kind of the task, or the name of the objective."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what it learns from."""

    @property
    def scored(self) -> bool:
        """Whether more is better: it is measured by scores in percent, and not by a loss."""

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What an evaluation gives, the main metric first; empty where nothing is held out."""

    @property
    def validation_rows(self) -> int | None:
        """The most held-out sequences that are measured; None: all that there are."""

    @property
    def has_pairs(self) -> bool:
        """Whether some of its texts come in pairs."""

    def head(self) -> TaskHead:
        """Return the head that an encoder needs for it."""

    def check(self, config: ModelConfig) -> None:
        """Refuse a model that cannot learn it, before anything is converted."""

    def features(self, recipe: R_contra, setup: Setup) -> FeatureSet:
        """Convert what is learned for the model."""

    def validation_features(self, recipe: R_contra, setup: Setup) -> FeatureSet | None:
        """Convert what is measured; None where nothing is held out."""

    def validation_fingerprint(self, recipe: R_contra, setup: Setup) -> str | None:
        """SHA-256 of what is measured."""

    def size(self, features: FeatureSet, setup: Setup) -> int:
        """Count the examples that the rates of a mixture go by."""

    def evaluate(self, recipe: R_contra, setup: Setup, processes: Processes) -> Mapping[str, float]:
        """Measure the model on what is held out, a part of it in each process."""

    def saved(self, recipe: R_contra, setup: Setup) -> dict[str, Any]:
        """Return what is saved with the weights: what answering needs."""


def read_components(recipe: Recipe, family: AnyFamily) -> list[Component[Recipe]]:
    """Read everything that a recipe learns from; what the family cannot learn is refused first."""
    seed = recipe.training.seed
    writes = learns_text(recipe, family)
    learned = partial(_learned_task, recipe=recipe, writes=writes)
    if recipe.text.pad_punctuation and not writes:
        raise UserError("text.pad_punctuation is for models that write, such as a t5")
    if recipe.mixture is None:
        assert recipe.task is not None and recipe.data is not None
        task = learned(recipe.task)
        task = task.padded() if recipe.text.pad_punctuation else task
        check_best_metric(recipe, [task])
        return [TaskComponent(task, prepare(task, recipe.data, seed, writes=writes))]
    leaves = recipe.mixture.leaves()
    tasks = {each.task: learned(each.task) for each in leaves if each.task}
    if recipe.text.pad_punctuation:
        tasks |= _padded(tasks)
    objectives = [each.unlabelled for each in leaves if each.unlabelled is not None]
    for objective in objectives:
        _check_objective(objective, family)
    names = [tasks[each.task].name for each in leaves if each.task]
    names += [objective.objective for objective in objectives]
    for name, count in Counter(names).items():
        if count > 1:
            raise UserError(
                f"mixture: {name} stands in it twice; list all of its files (or stores) once"
            )
    _check_default(recipe.mixture.default_task, list(tasks.values()), writes=writes)
    check_best_metric(recipe, [tasks[each.task] for each in leaves if each.task])
    components: list[Component[Recipe]] = []
    for each in leaves:
        if each.unlabelled is not None:
            components.append(ObjectiveComponent.open(each.unlabelled, in_mixture=True))
        else:
            assert each.task is not None and each.data is not None
            task = tasks[each.task]
            data = prepare(task, each.data, seed, writes=writes)
            components.append(TaskComponent(task, data))
    return components


def _learned_task(name: str, *, recipe: Recipe, writes: bool) -> Task[Any]:
    """Find a task, and refuse one that asks for text of a model that writes none."""
    task = find_task(name)
    if task.kind == "embedding":
        check_retrieval(task.name, recipe, writes=writes)
    if task.kind == "text" and recipe.method == "features":
        raise UserError(f"method 'features' learns no task that is written, such as {task.name}")
    if task.kind == "text" and not writes:
        raise UserError(
            f"task {task.name} asks for text to be written, which an encoder alone cannot: put "
            "[decoder] layers = 2 into the recipe, or take a gpt or a t5"
        )
    return task


def _check_default(name: str | None, tasks: Sequence[Task[Any]], *, writes: bool) -> None:
    """Refuse a default task where there are no heads, or that has none."""
    if name is None:
        return
    if writes:
        raise UserError("mixture.default_task is for models with heads; a text says its task")
    known = [task.name for task in tasks]
    if name not in known:
        raise UserError(f"mixture.default_task = {name!r}: its tasks are {listed(known)}")


def _padded(tasks: Mapping[str, Task[Any]]) -> dict[str, Task[Any]]:
    """Return those of questions on a text, which read padded punctuation."""
    found = {name: task.padded() for name, task in tasks.items() if task.kind == "span"}
    if not found:
        raise UserError("text.pad_punctuation is for questions on a text; there is no such task")
    return found


def _check_objective(config: ObjectiveConfig, family: AnyFamily) -> None:
    if config.objective not in family.objectives:
        known = " and ".join(family.objectives) or "no objective"
        raise UserError(
            f"objective {config.objective!r}: {with_article(family.name)} learns {known} in a "
            "mixture"
        )
    if config.mlm.packing or config.lm.packing or config.span_corruption.packing:
        raise UserError(f"objective {config.objective!r}: a mixture cannot be packed")


def rates_of(mixture: MixtureConfig, sizes: Sequence[int]) -> tuple[Rates, int]:
    """Return the rate of each component, float64 [components], and how many draws make an epoch.

    Args:
        sizes: the examples of each component, those of inner mixtures in their place.
    """
    inner: list[tuple[Rates, int]] = []
    for each in mixture.tasks:
        first = sum(len(rates) for rates, _ in inner)
        own = sizes[first:]
        inner.append((equal([1]), own[0]) if each.mixture is None else rates_of(each.mixture, own))
    counts = [count for _, count in inner]
    given = [each.rate for each in mixture.tasks if each.rate is not None]
    cap = mixture.cap
    if given:
        outer = np.array(given) / sum(given)
    elif mixture.rates == "equal":
        outer = equal(counts)
    elif mixture.rates == "temperature":
        outer = temperature(counts, mixture.temperature or 2.0, cap)
    else:
        outer = proportional(counts, cap)
    rates = [rate * share for share, (own, _) in zip(outer, inner, strict=True) for rate in own]
    draws = sum(count if cap is None else min(count, cap) for count in counts)
    return np.array(rates), draws
