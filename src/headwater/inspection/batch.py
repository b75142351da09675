"""`headwater inspect batch`: the first sequences that a recipe trains on, as text.

They are those of the first micro-batch of an epoch, with the noise of that epoch: what the network
is given, nothing made anew for showing. No weights are read.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headwater.config import read_toml
from headwater.data.convert import Features, PairSet
from headwater.errors import UserError
from headwater.inspection.features_text import Kind, lines
from headwater.inspection.spelling import Speller
from headwater.models.families import FAMILIES
from headwater.objectives.names import OBJECTIVES
from headwater.pictures.page import Element, Heading, Line, Page, Shown
from headwater.runs.objective_component import families_of
from headwater.runs.recipe import PretrainRecipe, Recipe, load_recipe
from headwater.runs.run import Run, begin
from headwater.training.plan import Plan


def recipe_of(
    path: Path | None, options: Mapping[str, Any], settings: Sequence[str]
) -> PretrainRecipe | Recipe:
    """Build the recipe of a file, of options, or of both; what it trains tells its kind."""
    values = {**(read_toml(path) if path else {}), **options}
    if path is None and not options:
        raise UserError("give a RECIPE.toml, or --objective and --corpus")
    if not {"objective", "corpus"} & set(values):
        return load_recipe(Recipe, path, options, settings)
    named = {"model", "network"} & set(values) or any(s.startswith("network") for s in settings)
    families = families_of(str(values.get("objective")))
    if families and not named:  # the features depend on the family alone
        options = {**options, "network": {"preset": FAMILIES[families[0]].quick.preset}}
    return load_recipe(PretrainRecipe, path, options, settings)


def batch(recipe: PretrainRecipe | Recipe, count: int, epoch: int) -> Shown:
    """Return the first `count` sequences of an epoch's first micro-batch."""
    run, kind_of = _begin(recipe)
    what = ", ".join(each.name for each in run.components)
    plan = Plan(run.features(), recipe.training)
    indices, epoch_features = plan.epoch(epoch)[0][0], plan.features(epoch)
    features = epoch_features.features(indices, epoch)
    speller = Speller(run.setup.vocabulary)
    size = _size(features, isinstance(epoch_features, PairSet))
    described: list[dict[str, Any]] = []
    elements: list[Element] = []
    for index, feature in list(zip(indices.tolist(), features, strict=True))[:count]:
        texts = lines(kind_of(feature), feature, speller)
        described.append(_described(index, feature, texts))
        for number, text in enumerate(texts, start=1):
            which = f", text {number} of {len(texts)}" if len(texts) > 1 else ""
            elements += [Heading(f"sequence {index}{which}"), *text]
    title = (
        f"{what}, epoch {epoch}: the first batch has {size['batch_sequences']} sequences, "
        f"{size['padded_tokens']:,} tokens, {size['padding']:.1%} of them padding"
    )
    content = {"what": what, "epoch": epoch, **size, "sequences": described}
    return Shown(content, Page(title, tuple(elements)))


def _begin(
    recipe: PretrainRecipe | Recipe,
) -> tuple[Run[PretrainRecipe] | Run[Recipe], Callable[[Features], Kind]]:
    """Return the run, and what tells the kind of its features."""
    with torch.device("meta"):  # nothing is computed: a network of any size takes no time
        if isinstance(recipe, PretrainRecipe):
            pretraining = begin(recipe)
            shown = OBJECTIVES[recipe.objective].shown(recipe, pretraining.setup.writes_text)
            return pretraining, lambda feature: shown
        run = begin(recipe)
    if run.setup.writes_text:
        return run, lambda feature: "text"
    kinds = [each.kind for each in run.components]
    return run, lambda feature: _encoder_kind(kinds, feature)


def _encoder_kind(kinds: Sequence[str], feature: Features) -> Kind:
    """Tell questions on a text and the masked tokens of a mixture from labels."""
    if kinds[int(feature.get("task", np.array(0)))] == "mlm":
        return "mlm"
    return "span" if "start_positions" in feature else "label"


def _size(features: Sequence[Features], pairs: bool) -> dict[str, Any]:
    """Say how large the batch is, in tokens of its inputs and, of pairs, of its targets."""
    sides = [
        [len(each[name]) for each in features] for name in ("input_ids", "labels")[: 1 + pairs]
    ]
    padded = sum(len(side) * max(side) for side in sides)
    return {
        "batch_sequences": len(features),
        "padded_tokens": padded,
        "padding": 1 - sum(map(sum, sides)) / padded,
    }


def _described(index: int, feature: Features, texts: Sequence[Sequence[Line]]) -> dict[str, Any]:
    """Return a sequence for JSON: its lines as plain text and its features as they are."""
    plain = [
        {line.label: "".join(span.text for span in line.spans) for line in text} for text in texts
    ]
    arrays = {name: np.asarray(values).tolist() for name, values in feature.items()}
    return {"sequence": index, "texts": plain, "features": arrays}
