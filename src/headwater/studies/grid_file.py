"""`study.json`: the grid of a study's folder, which a resumed study must have in common with it.

Version 0.1 called trials cells and had other names for some keys of recipes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.files import read_json, write_json
from headwater.studies.study import Trial
from headwater.training.config import TrainingConfig
from headwater.training.identity import compare

NAME = "study.json"


def check_grid(trials: Sequence[Trial], folder: Path, about: dict[str, object]) -> None:
    """Refuse a grid that cannot run, or a folder with another grid.

    Args:
        about: the name and the budget of the study.
    """
    names = [trial.name for trial in trials]
    assert len(set(names)) == len(names), "two trials of one name"
    runs = {run.name: run for trial in trials for run in trial.run.with_ancestors()}
    for run in runs.values():
        run.checked()
    recipes = {name: run.recipe for name, run in runs.items()}
    grid = {"study": {**about, "trials": names}, "runs": _portable(recipes, folder)}
    file = folder / NAME
    if file.exists():
        _compare(_read(file), grid, about, folder)
    write_json(file, grid)


def _read(file: Path) -> dict[str, Any]:
    try:
        grid = read_json(file)
    except UserError as error:
        raise UserError(f"{error}; remove it, and the same command goes on") from None
    tables = [grid.get(key) for key in ("study", "runs")] if isinstance(grid, dict) else [None]
    if not all(isinstance(each, dict) for each in tables):
        raise UserError(f"{file}: holds no grid; remove it, and the same command goes on")
    return {
        "study": {("trials" if key == "cells" else key): x for key, x in grid["study"].items()},
        "runs": {name: _with_new_names(recipe) for name, recipe in grid["runs"].items()},
    }


def _with_new_names(recipe: Mapping[str, Any]) -> dict[str, Any]:
    new = TrainingConfig.old_names
    training = {new.get(key, key): value for key, value in recipe.get("training", {}).items()}
    return {**recipe, "training": training} if training else dict(recipe)


def _compare(
    kept: Mapping[str, Any], grid: Mapping[str, Any], about: Mapping[str, object], folder: Path
) -> None:
    """Refuse to resume a folder with another grid."""
    kept_about = {key: kept["study"].get(key) for key in about}
    if kept_about != about:
        name = " ".join(map(str, kept_about.values()))
        raise UserError(f"{folder}: holds the study {name}; name another folder (--output)")
    try:
        compare(_identity(kept), _identity(grid))
    except UserError as error:
        raise UserError(f"{folder}: holds this study with other settings; {error}") from None


def _identity(grid: Mapping[str, Any]) -> dict[str, Any]:
    return {**grid["runs"], "study": grid["study"]}


def _portable(value: Any, folder: Path) -> Any:
    """Make paths in the study's folder relative to it, so that the folder can be moved."""
    if isinstance(value, Mapping):
        return {key: _portable(each, folder) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_portable(each, folder) for each in value]
    if isinstance(value, str) and Path(value).is_relative_to(folder):
        inside = Path(value).relative_to(folder)
        return f"DIR/{inside}" if inside.parts[:1] in (("runs",), ("data",), ("stores",)) else value
    return value
