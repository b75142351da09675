"""What a recipe may ask of a causal language model: to write its targets, or a second loss.

as_text = false     text -> GPT -> last token -> head       Radford et al. 2018, section 3.2
as_text = true      inputs, then targets: one text, with the loss on the targets alone
auxiliary_lm = 0.5  the loss of the head + 0.5 x that of the text itself (equation 5)
"""

from headwater.checkpoints.description import Description
from headwater.checkpoints.hub import resolve
from headwater.errors import UserError, with_article
from headwater.models.body import Body
from headwater.models.build import Model, as_described
from headwater.models.families import AnyFamily, family_of, kind_of, sizes_of
from headwater.models.heads import ModelWithHead
from headwater.runs.recipe import Recipe
from headwater.tasks.names import task as find_task
from headwater.text.framing import framing_of
from headwater.text.vocabulary import Vocabulary


def decided(recipe: Recipe, family: AnyFamily) -> Recipe:
    """Decide whether a GPT learns to write; refuse what another model cannot be asked."""
    if family.kind != "causal_lm" or recipe.method == "features":
        for key in ("as_text", "auxiliary_lm"):
            if getattr(recipe, key) is not None:
                other = "features" if recipe.method == "features" else with_article(family.title)
                raise UserError(f"{key} is for fine-tuning a GPT, not for {other}; leave it out")
        return recipe
    needs = _needs_text(recipe)
    if recipe.as_text is False and needs:
        raise UserError(f"as_text = false: {needs}, which a GPT learns as text; leave it out")
    as_text = bool(needs) or _writes(recipe) if recipe.as_text is None else recipe.as_text
    if as_text and recipe.auxiliary_lm:
        raise UserError(
            "auxiliary_lm is a second loss beside that of a head, and this run learns text; leave "
            "it out" + ("" if needs else ", or set as_text=false")
        )
    return recipe.model_copy(update={"as_text": as_text})


def learns_text(recipe: Recipe, family: AnyFamily) -> bool:
    """Tell whether a model learns to write targets, by what was `decided`."""
    return recipe.method != "features" and (family.kind == "text_to_text" or bool(recipe.as_text))


def prepared(model: Model, recipe: Recipe, vocabulary: Vocabulary) -> tuple[Model, Vocabulary]:
    """Return a GPT as a recipe asks for it, and its vocabulary; any other model as it is."""
    if kind_of(model.config) != "causal_lm":
        return model, vocabulary
    if isinstance(model, ModelWithHead):
        model.auxiliary_lm = recipe.auxiliary_lm or 0.0
        return model, vocabulary.with_ends()
    writer = family_of(model.config).writer
    if not recipe.as_text or not isinstance(model, Body) or writer is None:
        return model, vocabulary
    start = framing_of(vocabulary, sizes_of(model.config).running_text).end
    return as_described(model, writer(model.config, start)), vocabulary


def _needs_text(recipe: Recipe) -> str:
    """Say why no head can learn it; empty where one can."""
    if recipe.mixture is not None:
        return "a mixture"
    assert recipe.task is not None
    task = find_task(recipe.task)
    return f"task {task.name} asks for text" if task.kind == "text" else ""


def _writes(recipe: Recipe) -> bool:
    """Tell whether the model that a run begins with writes its targets."""
    if recipe.model is None:
        return False
    return kind_of(Description.read(resolve(recipe.model)).config) == "text_to_text"
