"""What is wrong with a recipe whatever its data hold: said before any are read."""

from collections.abc import Sequence
from typing import Any

from headwater.data.task import Task
from headwater.device import choose_device, choose_precision
from headwater.errors import UserError, did_you_mean
from headwater.objectives.names import OBJECTIVES, ObjectiveConfig
from headwater.runs.network_sizes import sized
from headwater.runs.recipe import MixtureConfig, PretrainRecipe, Recipe, RunRecipe

AVERAGE = "average"
"""The mean of the main metrics of a mixture's tasks."""

LOSS, PERPLEXITY = "loss", "perplexity"


def check_machine_and_sizes(recipe: RunRecipe) -> None:
    """Refuse a device that is not there, a format it has not, and sizes of no network."""
    device = choose_device(recipe.training.device)
    choose_precision(recipe.training.precision, device)
    if recipe.network is not None:
        if isinstance(recipe, PretrainRecipe) and "window" in recipe.network.sizes:
            raise UserError("network.sizes.window: no size of the network; set cbow.window")
        sized(recipe.network)


def metrics_of(task: Task[Any]) -> tuple[str, ...]:
    """Return what an evaluation of a task gives, the main metric first."""
    return tuple(dict.fromkeys((task.main_metric, *task.metric_names)))


def check_best_metric(recipe: Recipe | PretrainRecipe, tasks: Sequence[Task[Any]] = ()) -> None:
    """Refuse a metric to choose the best weights by that no evaluation gives.

    Args:
        tasks: those of the recipe, in the order of its mixture's leaves.
    """
    name = recipe.training.metric_for_best_model
    if name is None:
        return
    if isinstance(recipe, PretrainRecipe):
        known = _of_objective(recipe)
    elif recipe.mixture is None:
        known = [*metrics_of(tasks[0])] if recipe.data and recipe.data.measures else []
    else:
        known = _of_mixture(recipe.mixture, tasks)
    if known and name not in known:
        hint = did_you_mean(name, known)
        raise UserError(f"training.metric_for_best_model = {name!r}: {hint}")


def _of_mixture(mixture: MixtureConfig, tasks: Sequence[Task[Any]]) -> list[str]:
    found: list[str] = []
    scored, order = False, iter(tasks)
    for leaf in mixture.leaves():
        if leaf.unlabelled is not None:
            of_text = leaf.unlabelled.corpus.validation is not None
            found += [f"{leaf.unlabelled.objective}/{LOSS}"] if of_text else []
            continue
        task = next(order)
        if leaf.data and leaf.data.measures:
            found += [f"{task.name}/{metric}" for metric in metrics_of(task)]
            scored = True
    return [AVERAGE, *found] if scored else found


def _of_objective(config: ObjectiveConfig) -> list[str]:
    if config.corpus.validation is None:
        return []
    both = OBJECTIVES[config.objective].head(config) == "pretraining"
    return [LOSS, PERPLEXITY, *(("masked_lm", "next_sentence") if both else ())]
