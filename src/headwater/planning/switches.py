"""Which switches of a recipe make a run fit into its cards.

Each switch is tried alone, the cheapest first, and then on top of those before it; then a smaller
micro-batch, with as many more of them that a step stays the same. Parts in host memory come last,
since they are copied at each step.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from headwater.planning.plan import Plan
from headwater.runs.recipe import RunRecipe
from headwater.runs.setup import recipe_family
from headwater.training.config import BatchSize, TrainingConfig

Settings = Mapping[str, Any]
"""Values by key of `[training]`."""

_OFFLOAD: Settings = {"cpu_offload": True}


def switches_that_fit(
    recipe: RunRecipe,
    gpus: int,
    room: int,
    planned: Callable[[RunRecipe], Plan],
    *,
    bf16: bool = True,
) -> tuple[Settings, Plan] | None:
    """Return the settings with which a run fits, and its plan; None where none do.

    Args:
        room: bytes of a card's memory.
        planned: gives the plan of a changed recipe.
        bf16: whether the cards have it; those that have none have fp16.
    """
    as_it_is = planned(recipe)
    switches = _switches(recipe, gpus, bf16=bf16, layers=as_it_is.measured.layers)
    together: dict[str, Any] = {}
    ways: list[Settings] = [*switches, {}]
    for switch in switches:
        together |= switch
        ways.append(dict(together))
    last = {**together, **_OFFLOAD}
    if gpus > 1 and last.get("shard", recipe.training.shard) and not recipe.training.cpu_offload:
        ways.append(last)
    for settings in ways:
        whole = planned(changed(recipe, settings)) if settings else as_it_is
        if whole.fits(room):
            return settings, whole
        if settings and settings not in (together, last):
            continue
        for smaller in _smaller(recipe.training, whole, room):
            found = planned(changed(recipe, {**settings, **smaller}))
            if found.fits(room):
                return {**settings, **smaller}, found
    return None


def changed(recipe: RunRecipe, settings: Settings) -> RunRecipe:
    """Return a recipe with other values in `[training]`."""
    training = recipe.training.model_copy(update=dict(settings))
    return recipe.model_copy(update={"training": training})


def _switches(recipe: RunRecipe, gpus: int, *, bf16: bool, layers: int) -> list[Settings]:
    """Return what a run with them would not refuse."""
    training = recipe.training
    switches: list[Settings] = []
    if training.precision == "fp32" and bf16:
        switches.append({"precision": "bf16"})
    halved = not bf16 and training.precision in ("fp32", "auto") and not training.shard
    if halved and recipe_family(recipe).kind != "text_to_text":  # T5 overflows in fp16
        switches.append({"precision": "fp16"})
    sharding = training.precision != "fp16" and recipe.method != "features"
    if gpus > 1 and not training.shard and sharding:
        switches.append({"shard": True} if bf16 else {"shard": True, "precision": "fp32"})
    if layers and not training.gradient_checkpointing:
        switches.append({"gradient_checkpointing": True})
    return switches


def _smaller(training: TrainingConfig, whole: Plan, room: int) -> Iterator[Settings]:
    """Yield smaller micro-batches, the largest first, that might fit."""
    held = whole.memory.peak - whole.memory.activations
    size, parts = training.batch, 1
    while whole.rows // parts > 1:
        parts *= 2
        if held + whole.memory.activations // parts > room:
            continue
        batch = BatchSize(
            tokens=size.tokens and max(1, size.tokens // parts),
            examples=size.examples and max(1, size.examples // parts),
        )
        steps = training.gradient_accumulation_steps * parts
        yield {"batch": batch, "gradient_accumulation_steps": steps}
