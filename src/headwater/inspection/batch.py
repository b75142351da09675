"""`headwater inspect batch`: the first rows that a recipe trains on, as text.

The rows are those of the first micro-batch of an epoch, with the noise of that epoch: what the
network is given, nothing made anew for showing. No weights are read.
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
from headwater.pictures.page import Element, Heading, Page, Shown
from headwater.runs import finetune, pretrain
from headwater.runs.objective_component import families_of
from headwater.runs.recipe import PretrainRecipe, Recipe, load_recipe
from headwater.runs.run import Run
from headwater.training.plan import Plan


def recipe_of(
    path: Path | None, options: Mapping[str, Any], settings: Sequence[str]
) -> PretrainRecipe | Recipe:
    """Build the recipe of a file, of options, or of both; what it trains tells its kind.

    Raises:
        UserError: a key or value is wrong, or something is missing.
    """
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


def batch(recipe: PretrainRecipe | Recipe, rows: int, epoch: int) -> Shown:
    """Return the first `rows` rows of an epoch's first micro-batch.

    Raises:
        UserError: the recipe, or something that it names, is wrong.
    """
    run, kind_of = _begin(recipe)
    what = ", ".join(each.name for each in run.components)
    setup = run.setup
    plan = Plan(run.features(), recipe.training)
    numbers, drawn = plan.epoch(epoch)[0][0], plan.features(epoch)
    made = drawn.features(numbers, epoch)
    speller = Speller(setup.vocabulary)
    size = _size(made, isinstance(drawn, PairSet))
    shown = list(zip(numbers.tolist(), made, strict=True))[:rows]
    content = {"what": what, "epoch": epoch, **size}
    content["rows"] = [_described(number, row, kind_of(row), speller) for number, row in shown]
    elements: list[Element] = []
    for number, row in shown:
        several = lines(kind_of(row), row, speller)
        for place, text in enumerate(several):
            which = f", text {place + 1} of {len(several)}" if len(several) > 1 else ""
            elements += [Heading(f"row {number}{which}"), *text]
    title = (
        f"{what}, epoch {epoch}: the first batch has {size['batch_rows']} rows, "
        f"{size['cells']:,} places, {size['padding']:.1%} of them padding"
    )
    return Shown(content, Page(title, tuple(elements)))


def _begin(
    recipe: PretrainRecipe | Recipe,
) -> tuple[Run[PretrainRecipe] | Run[Recipe], Callable[[Features], Kind]]:
    """Return the run, and what tells the kind of its features."""
    with torch.device("meta"):  # nothing is computed: a network of any size takes no time
        if isinstance(recipe, PretrainRecipe):
            pretraining = pretrain.begin(recipe)
            shown = OBJECTIVES[recipe.objective].shown(recipe, pretraining.setup.writes_text)
            return pretraining, lambda features: shown
        run = finetune.begin(recipe)
    if run.setup.writes_text:
        return run, lambda features: "text"
    kinds = [each.kind for each in run.components]
    return run, lambda features: _encoder_kind(kinds, features)


def _encoder_kind(kinds: Sequence[str], features: Features) -> Kind:
    """Tell questions on a text and the masked tokens of a mixture from labels."""
    if kinds[int(features.get("task", np.array(0)))] == "mlm":
        return "mlm"
    return "span" if "start_positions" in features else "label"


def _size(made: Sequence[Features], pairs: bool) -> dict[str, Any]:
    """Say how large the batch is, in places of its inputs and, of pairs, of its targets."""
    sides = [[len(row[name]) for row in made] for name in ("input_ids", "labels")[: 1 + pairs]]
    cells = sum(len(side) * max(side) for side in sides)
    return {"batch_rows": len(made), "cells": cells, "padding": 1 - sum(map(sum, sides)) / cells}


def _described(number: int, row: Features, kind: Kind, speller: Speller) -> dict[str, Any]:
    """Return a row for JSON: its lines as plain text and its features as they are."""
    said = [
        {line.label: "".join(span.text for span in line.spans) for line in text}
        for text in lines(kind, row, speller)
    ]
    features = {name: np.asarray(values).tolist() for name, values in row.items()}
    return {"row": number, "texts": said, "features": features}
