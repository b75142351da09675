"""Every recipe is read, and what it names is there."""

import json
import runpy
import subprocess
from pathlib import Path
from typing import Any, NoReturn, get_args

import pytest

from headwater.config import read_toml
from headwater.data.config import DataConfig
from headwater.objectives.names import ObjectiveName
from headwater.runs.recipe import PretrainRecipe, Recipe, load_recipe
from headwater.tasks.names import TASKS, task

ROOT = Path(__file__).resolve().parents[1]
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


@pytest.mark.parametrize("objective", get_args(ObjectiveName))
def test_every_objective_is_documented(objective: str) -> None:
    assert f"| `{objective}` |" in (ROOT / "docs" / "pretraining.md").read_text(encoding="utf-8")


def test_a_masked_name_is_right_without_its_sentinel(tmp_path: Path) -> None:
    file = tmp_path / "salient.jsonl"
    line = {"input": "A <extra_id_0> one.", "target": "<extra_id_0> Catholic", "answer": "Catholic"}
    file.write_text(json.dumps(line))
    masked = task(str(ROOT / "recipes/tasks/salient_spans.toml"))
    [example] = masked.read([file])
    assert example.targets[0] == "<extra_id_0> Catholic"
    scores = masked.score([example], {example.id: "catholic"}, None)
    assert scores["exact_match"] == scores["f1"] == 100.0
