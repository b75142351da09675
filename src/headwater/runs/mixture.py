"""The components of a run, read from its recipe, and the rates at which a mixture draws them.

A mixture in a mixture is drawn as its components are, each by the product of the rates on the way.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from headwater.data.mixture import Rates, equal, proportional, temperature
from headwater.data.preparation import prepare
from headwater.data.task import Task
from headwater.errors import UserError
from headwater.models.families import AnyFamily
from headwater.objectives.names import ObjectiveConfig
from headwater.runs.component import Component
from headwater.runs.objective_component import ObjectiveComponent
from headwater.runs.recipe import MixtureConfig, Recipe
from headwater.runs.task_component import TaskComponent
from headwater.tasks.names import task as find_task


def read_components(recipe: Recipe, family: AnyFamily) -> list[Component[Recipe]]:
    """Read everything that a recipe learns from; what the family cannot learn is refused first."""
    seed = recipe.training.seed
    if recipe.mixture is None:
        assert recipe.task is not None and recipe.data is not None
        task = _learned_task(recipe.task, family)
        return [TaskComponent(task, prepare(task, recipe.data, seed))]
    leaves = recipe.mixture.leaves()
    tasks = {each.task: _learned_task(each.task, family) for each in leaves if each.task}
    objectives = [each.unlabelled for each in leaves if each.unlabelled is not None]
    for objective in objectives:
        _check_objective(objective, family)
    names = [tasks[each.task].name for each in leaves if each.task]
    names += [objective.objective for objective in objectives]
    for name, count in Counter(names).items():
        if count > 1:
            raise UserError(
                f"mixture: {name} stands in it twice; give all of its files (or stores) to one part"
            )
    components: list[Component[Recipe]] = []
    for each in leaves:
        if each.unlabelled is not None:
            components.append(ObjectiveComponent.open(each.unlabelled, in_mixture=True))
        else:
            assert each.task is not None and each.data is not None
            task = tasks[each.task]
            components.append(TaskComponent(task, prepare(task, each.data, seed)))
    return components


def _learned_task(name: str, family: AnyFamily) -> Task[Any]:
    """Find a task, and refuse one that the family cannot learn."""
    task = find_task(name)
    if task.kind == "text" and family.kind != "text_to_text":
        raise UserError(
            f"task {task.name} asks for text to be written, which an encoder cannot; take a t5"
        )
    return task


def _check_objective(config: ObjectiveConfig, family: AnyFamily) -> None:
    if config.objective not in family.objectives:
        known = " and ".join(family.objectives)
        raise UserError(
            f"objective {config.objective!r}: a {family.name} learns {known} in a mixture"
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
