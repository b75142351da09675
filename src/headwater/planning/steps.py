"""How many steps a run has: as its recipe says, or as its data give."""

from headwater.corpus.remote_store import local_folder
from headwater.corpus.shards import open_store
from headwater.data.convert import FeatureSet
from headwater.data.mixture import Mixture
from headwater.errors import UserError
from headwater.planning.counting import Counter
from headwater.planning.network import build
from headwater.runs.components import read_components
from headwater.runs.objective_component import ObjectiveComponent
from headwater.runs.recipe import PretrainRecipe, Recipe, RunRecipe
from headwater.runs.run import Run
from headwater.runs.setup import recipe_family
from headwater.training.plan import Plan


def count_steps(recipe: RunRecipe) -> int:
    """Return the steps of a resolved recipe; of one in epochs they are counted over its data."""
    if recipe.training.steps is not None:
        return recipe.training.steps
    try:
        return Plan(_features(recipe), recipe.training).total
    except UserError as error:
        raise UserError(f"{error}; or plan without the data: --set training.steps=N") from None


def _features(recipe: RunRecipe) -> FeatureSet | Mixture:
    planned = build(recipe, Counter())
    if isinstance(planned.recipe, PretrainRecipe):
        folders = map(local_folder, planned.recipe.corpus.train)
        stores = tuple(map(open_store, folders))  # the checksums of terabytes can wait
        component = ObjectiveComponent(planned.recipe, stores, None, in_mixture=False)
        return component.features(planned.recipe, planned.setup)
    assert isinstance(planned.recipe, Recipe)
    components = read_components(planned.recipe, recipe_family(planned.recipe))
    return Run(planned.recipe, components, planned.setup, planned.recipe.mixture).features()
