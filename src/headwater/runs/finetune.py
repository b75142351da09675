"""Fine-tuning: a run that learns a task, or a mixture of tasks and objectives."""

from pathlib import Path

import torch

from headwater.errors import UserError
from headwater.models.families import AnyFamily
from headwater.runs.component import Component
from headwater.runs.mixture import read_components
from headwater.runs.recipe import Recipe, resolved
from headwater.runs.run import Run
from headwater.runs.setup import (
    Setup,
    build_features_setup,
    build_multi_task_setup,
    build_setup,
    fit_lengths,
    recipe_family,
)
from headwater.training.hooks import Outcome
from headwater.training.state_folder import check_run_folder


def finetune(recipe: Recipe, folder: Path, *, resume: bool = False) -> Outcome:
    """Run a recipe in a run folder; see `Run.train` for what the folder gets."""
    check_run_folder(folder, resume=resume)
    return begin(recipe).train(folder, resume=resume)


def begin(recipe: Recipe) -> Run[Recipe]:
    """Return a run with its resolved recipe, its examples and its model."""
    family = recipe_family(recipe)
    features = recipe.method == "features"
    if family.kind not in ("encoder", "text_to_text") and not features:
        raise UserError(
            f"models of family {family.name} are not fine-tuned; take bert or t5, or keep the body "
            'as it is: method = "features"'
        )
    if features and recipe.mixture is not None:
        raise UserError("method 'features' learns one task, not a mixture")
    recipe = resolved(recipe, family)
    components = read_components(recipe, family)
    torch.manual_seed(recipe.training.seed)
    setup = _setup(recipe, family, components)
    for component in components:
        component.check(setup.config)
    run = Run(fit_lengths(recipe, setup.config), components, setup, recipe.mixture)
    _check_metric(run)
    return run


def _check_metric(run: Run[Recipe]) -> None:
    name, known = run.recipe.training.metric_for_best_model, run.metric_names
    if name is not None and known and name not in known:
        raise UserError(f"training.metric_for_best_model = {name!r}: there are {', '.join(known)}")


def _setup(recipe: Recipe, family: AnyFamily, components: list[Component[Recipe]]) -> Setup:
    """Build the model with the heads that the components need."""
    if recipe.method == "features":
        return _features_setup(recipe, components[0])
    if family.kind == "text_to_text":
        return build_setup(recipe, None)  # it writes, and takes no head
    if recipe.mixture is not None:
        return build_multi_task_setup(recipe, {each.name: each.head() for each in components})
    return build_setup(recipe, components[0].head())


def _features_setup(recipe: Recipe, component: Component[Recipe]) -> Setup:
    if component.kind == "text":
        raise UserError(
            f"method 'features' learns no task that is written, such as {component.name}"
        )
    return build_features_setup(recipe, component.head(), pairs=component.has_pairs)
