"""Every recipe is read, and every key of a recipe is documented."""

import re
from pathlib import Path

import pytest

from headwater.data.config import DataConfig, TextConfig
from headwater.recipe import NetworkConfig, Recipe, load_recipe
from headwater.tasks.spans_config import SpanConfig
from headwater.tasks.table import TASKS
from headwater.training.config import TrainingConfig

ROOT = Path(__file__).resolve().parents[1]
RECIPES = sorted((ROOT / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_read_and_says_what_it_is(path: Path) -> None:
    recipe = load_recipe(path, {}, [])
    assert recipe.task in TASKS
    assert path.read_text(encoding="utf-8").startswith("#"), (
        "begin with a comment on what it is for"
    )


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipes_data_are_there(
    path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    data = load_recipe(path, {}, []).data
    for name in [*data.train, *data.held_out, *data.validation]:
        assert Path(name).is_file(), name


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([a-z_.]+[a-z_0-9]*)`", text))
    sections = {"data", "spans", "text", "training", "network"}
    keys = set(Recipe.model_fields) - sections
    for config in (DataConfig, SpanConfig, TextConfig, TrainingConfig):
        keys |= set(config.model_fields)
    keys |= {f"network.{name}" for name in NetworkConfig.model_fields}
    assert keys <= documented, keys - documented
