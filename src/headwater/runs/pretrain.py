"""Pre-training: a run that learns one objective over token stores.

The objective asks for a family: masked language modeling trains an encoder, language modeling a
decoder, span corruption an encoder-decoder.
"""

from dataclasses import replace
from pathlib import Path

import torch

from headwater.errors import UserError, with_article
from headwater.models.build import Model
from headwater.runs.objective_component import ObjectiveComponent, families_of
from headwater.runs.recipe import PretrainRecipe, best_is_lowest, resolved
from headwater.runs.run import Run
from headwater.runs.setup import build_setup, recipe_family
from headwater.training.hooks import Outcome
from headwater.training.state_folder import check_run_folder


def pretrain(recipe: PretrainRecipe, folder: Path, *, resume: bool = False) -> Outcome:
    """Run a recipe in a run folder; see `Run.train` for what the folder gets."""
    check_run_folder(folder, resume=resume)
    return begin(recipe).train(folder, resume=resume)


def begin(recipe: PretrainRecipe) -> Run[PretrainRecipe]:
    """Return a run with its resolved recipe, its stores and its model."""
    recipe = _resolved(recipe)
    component = ObjectiveComponent.open(recipe, in_mixture=False)
    torch.manual_seed(recipe.training.seed)
    head = component.head() if recipe_family(recipe).kind == "encoder" else None
    setup = build_setup(recipe, head, component.stores[0].load_vocabulary())
    component.check(setup.config)
    _note_window(recipe, setup.model)
    return Run(recipe, [component], setup)


def _resolved(recipe: PretrainRecipe) -> PretrainRecipe:
    family = recipe_family(recipe)
    if recipe.objective not in family.objectives:
        families = " or ".join(map(with_article, families_of(recipe.objective)))
        raise UserError(
            f"objective {recipe.objective!r} trains {families}, "
            f"this is {with_article(family.name)}; "
            f"its objectives are {', '.join(family.objectives)}"
        )
    return resolved(best_is_lowest(recipe), family)  # all that is measured is a loss


def _note_window(recipe: PretrainRecipe, model: Model) -> None:
    """Let a CBOW's config say which window it is trained on: looking into it needs to know."""
    if recipe.network is not None and "window" in recipe.network.sizes:
        raise UserError("network.sizes.window: no size of the network; set cbow.window")
    if recipe.objective == "cbow":
        model.body.config = replace(model.config, window=recipe.cbow.window)
