"""The tasks and files that a run's recipe names, without building the run. Free of torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.config import read_toml
from headwater.errors import UserError


def tasks_of_recipe(file: Path, part: str) -> list[tuple[str, list[Path]]]:
    """Return the tasks of a recipe, of a mixture all, with their `train` or `validation` files."""
    try:
        return _tasks_in(read_toml(file), part)
    except (AttributeError, KeyError, TypeError):
        raise UserError(f"{file}: its tasks and data are not as a run writes them") from None


def _tasks_in(recipe: Mapping[str, Any], part: str) -> list[tuple[str, list[Path]]]:
    if "mixture" in recipe:
        return [found for each in recipe["mixture"]["tasks"] for found in _tasks_in(each, part)]
    files = recipe.get("data", {}).get(part, [])
    files = [files] if isinstance(files, str) else files
    return [(recipe["task"], [*map(Path, files)])] if "task" in recipe and files else []
