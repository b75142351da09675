"""What a run that learns vectors of texts asks of its recipe and its model."""

import logging
from dataclasses import replace

from headwater.errors import UserError
from headwater.models.build import Model
from headwater.models.embedding import EmbeddingHead
from headwater.models.families import sizes_of
from headwater.models.heads import ModelWithHead
from headwater.runs.recipe import Recipe

logger = logging.getLogger(__name__)

LONGEST = 256
"""Tokens of a text, where neither the recipe nor the model's folder says how many."""

_METHODS = ("all", "gradual_unfreezing")


def embedding_head(model: Model) -> EmbeddingHead:
    """Return what stands on a model that learns vectors."""
    assert isinstance(model, ModelWithHead) and isinstance(model.head, EmbeddingHead)
    return model.head


def check_retrieval(task: str, recipe: Recipe, *, writes: bool) -> None:
    """Refuse what cannot learn vectors, before any data are read."""
    if recipe.mixture is not None:
        raise UserError(f"mixture: task {task} is learned alone, not with others")
    if writes:
        raise UserError(f"task {task} learns vectors of an encoder such as BERT; this model writes")
    if recipe.method not in _METHODS:
        raise UserError(f"task {task} trains the encoder itself: method {' or '.join(_METHODS)}")


def with_one_length(recipe: Recipe, model: Model) -> Recipe:
    """Let a model that gives vectors and the recipe agree on the longest text.

    It is the recipe's where that says it; the folder of the model that is trained says it, too.
    """
    if not isinstance(model, ModelWithHead) or not isinstance(model.head, EmbeddingHead):
        return recipe
    head, given = model.head, "max_length" in recipe.sequence.model_fields_set
    wanted = recipe.sequence.max_length if given else head.config.max_length or LONGEST
    longest = min(wanted, sizes_of(model.config).longest_input)
    head.config = replace(head.config, max_length=longest)
    sequence = recipe.sequence.model_copy(update={"max_length": longest})
    if recipe.training.gradient_accumulation_steps > 1:
        logger.info(
            "gradient_accumulation_steps: the negatives of a question are the passages of its own "
            "micro-batch, not those of the whole step; a larger training.batch gives more"
        )
    return recipe.model_copy(update={"sequence": sequence})
