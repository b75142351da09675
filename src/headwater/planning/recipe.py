"""Reading a recipe of either kind, and resolving it before its model and its data are there."""

from collections.abc import Sequence
from pathlib import Path

from headwater.runs.causal import decided
from headwater.runs.recipe import Recipe, RunRecipe, load_any_recipe, resolved
from headwater.runs.setup import recipe_family


def load_resolved(path: Path, overrides: Sequence[str]) -> RunRecipe:
    """Read a recipe of fine-tuning or of pre-training, whichever it is, and resolve it."""
    return settled(load_any_recipe(path, {}, overrides))


def settled(recipe: RunRecipe) -> RunRecipe:
    """Resolve a recipe as a run does."""
    family = recipe_family(recipe)
    if isinstance(recipe, Recipe):
        recipe = decided(recipe, family)
    return resolved(recipe, family)
