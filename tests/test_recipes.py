"""Every recipe is read, and every key of a recipe is documented."""

import json
import re
import runpy
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, get_args

import pytest

from headwater.config import Config, read_toml
from headwater.data.config import DataConfig, SequenceConfig, SpanConfig, TextConfig
from headwater.methods.config import MethodConfig
from headwater.models.families import FAMILIES, presets
from headwater.models.loss_config import LossConfig
from headwater.objectives.names import CorpusConfig, ObjectiveConfig, ObjectiveName
from headwater.runs.recipe import (
    DecoderConfig,
    MixedTask,
    MixtureConfig,
    NetworkConfig,
    PretrainRecipe,
    Recipe,
    load_recipe,
)
from headwater.tasks.names import TASKS, task
from headwater.training.config import TrainingConfig

ROOT = Path(__file__).resolve().parents[1]
OBJECTIVES = [
    type(field.get_default(call_default_factory=True))
    for name, field in ObjectiveConfig.model_fields.items()
    if name not in ("objective", "corpus")
]
FAMILY_PRESETS = {
    family.title: next(iter(family.formats.values())).preset
    for family in FAMILIES.values()
    if family.presets
}
OWN_TASKS = sorted((ROOT / "recipes" / "tasks").glob("*.toml"))
RECIPES = sorted(set((ROOT / "recipes").rglob("*.toml")) - set(OWN_TASKS))
SCRIPTS = [
    path for path in sorted((ROOT / "recipes").rglob("*.py")) if "__main__" in path.read_text()
]
PAPERS = [path for path in RECIPES if path.parent.name == "papers"]  # see test_paper_recipes.py


def _load(path: Path) -> Recipe | PretrainRecipe:
    kind = PretrainRecipe if "objective" in read_toml(path) else Recipe
    return load_recipe(kind, path, {}, [])


def _tasks(recipe: Recipe) -> list[tuple[str | None, DataConfig | None]]:
    if recipe.mixture is None:
        return [(recipe.task, recipe.data)]
    return [(each.task, each.data) for each in recipe.mixture.tasks]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_read_and_says_what_it_is(path: Path) -> None:
    recipe = _load(path)
    known = {*TASKS, *(str(path.relative_to(ROOT)) for path in OWN_TASKS)}
    assert isinstance(recipe, PretrainRecipe) or {name for name, _ in _tasks(recipe)} <= known
    assert path.read_text(encoding="utf-8").startswith("#"), (
        "begin with a comment on what it is for"
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_says_what_it_does_and_starts_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("--help started a command")

    monkeypatch.syspath_prepend(str(path.parent))
    monkeypatch.setattr("sys.argv", [str(path), "--help"])
    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: ")


@pytest.mark.parametrize("path", OWN_TASKS, ids=lambda path: path.stem)
def test_a_recipes_own_task_is_read(path: Path) -> None:
    assert task(str(path)).name == path.stem


@pytest.mark.parametrize(
    "path", [path for path in RECIPES if path not in PAPERS], ids=lambda path: path.stem
)
def test_a_recipes_data_are_there(
    path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    recipe = _load(path)
    if isinstance(recipe, PretrainRecipe):
        named = recipe.corpus.train
    else:
        parts = [data for _, data in _tasks(recipe) if data is not None]
        named = [name for data in parts for name in (*data.train, *data.held_out, *data.validation)]
    for name in named:
        assert name.startswith("runs/") or Path(name).is_file(), name  # made by another command


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([a-z_.]+[a-z_0-9]*)`", text))
    keys = set()
    for recipe in (Recipe, PretrainRecipe):
        keys |= set(recipe.model_fields)
    keys -= {
        "corpus",
        "data",
        "spans",
        "sequence",
        "text",
        "training",
        "network",
        "mixture",
        "decoder",
        "loss",
    }
    tables = (DataConfig, SpanConfig, SequenceConfig, TextConfig, TrainingConfig, CorpusConfig)
    for config in (*tables, *OBJECTIVES, MixtureConfig, MixedTask):
        keys |= set(config.model_fields)
    keys |= {f"network.{name}" for name in NetworkConfig.model_fields}
    keys |= {f"decoder.{name}" for name in DecoderConfig.model_fields}
    keys |= {f"loss.{name}" for name in LossConfig.model_fields}
    for table, field in MethodConfig.model_fields.items():
        if isinstance(field.default, Config):
            keys |= {f"{table}.{name}" for name in type(field.default).model_fields}
    assert keys <= documented, keys - documented


@pytest.mark.parametrize("objective", get_args(ObjectiveName))
def test_every_objective_is_documented(objective: str) -> None:
    assert f"| `{objective}` |" in (ROOT / "docs" / "pretraining.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("family", FAMILY_PRESETS)
def test_every_size_is_documented_with_its_family(family: str) -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    [row] = [line for line in text.splitlines() if line.startswith(f"| {family} | `")]
    documented = set(re.findall(r"`([a-z_0-9]+)`", row))
    sizes = {field.name for field in fields(presets()[FAMILY_PRESETS[family]])}
    taken = {"vocab_size", "model_type", "label_names", "window"}
    ids = {name for name in sizes if name.endswith("_token_id")}
    assert documented == sizes - taken - ids


@pytest.mark.parametrize("key", ["optimizer", "learning_rate", "weight_decay", "schedule"])
def test_the_defaults_of_every_family_are_named(key: str) -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    [row] = [line for line in text.splitlines() if line.startswith(f"| `{key}` |")]
    assert "CBOW" in row and "ELMo" in row


def test_a_masked_name_is_right_without_its_sentinel(tmp_path: Path) -> None:
    file = tmp_path / "salient.jsonl"
    line = {"input": "A <extra_id_0> one.", "target": "<extra_id_0> Catholic", "answer": "Catholic"}
    file.write_text(json.dumps(line))
    masked = task(str(ROOT / "recipes/tasks/salient_spans.toml"))
    [example] = masked.read([file])
    assert example.targets[0] == "<extra_id_0> Catholic"
    scores = masked.score([example], {example.id: "catholic"}, None)
    assert scores["exact_match"] == scores["f1"] == 100.0
