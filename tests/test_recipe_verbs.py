"""A recipe given to the wrong verb names the right one, and no run is written over other things."""

from pathlib import Path
from typing import Any

import pytest

from headwater.commands.train import continued
from headwater.models.families import FAMILIES
from headwater.runs.recipe import Recipe, resolved, verb_of

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("verb", "content", "said"),
    [
        (
            "finetune",
            'objective = "mlm"',
            "has the key 'objective', so it is a recipe for `headwater pretrain`",
        ),
        (
            "pretrain",
            'task = "squad"',
            "has the key 'task', so it is a recipe for `headwater finetune`",
        ),
    ],
)
def test_the_right_verb_is_named(
    headwater: Any, tmp_path: Path, verb: str, content: str, said: str
) -> None:
    (tmp_path / "recipe.toml").write_text(content)
    ran = headwater(verb, tmp_path / "recipe.toml", "--output", tmp_path / "run")
    assert ran.code == 2
    assert said in ran.err and ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "options", "verb"),
    [
        ('task = "squad"', {}, "finetune"),
        ("[mixture]", {}, "finetune"),
        ('objective = "mlm"', {}, "pretrain"),
        ("[corpus]", {}, "pretrain"),
        ('model = "reader"', {}, "finetune"),
        ('model = "reader"', {"corpus": "store"}, "pretrain"),
    ],
)
def test_the_keys_of_a_recipe_say_its_verb(
    content: str, options: dict[str, str], verb: str, tmp_path: Path
) -> None:
    (tmp_path / "recipe.toml").write_text(content)
    assert verb_of(tmp_path / "recipe.toml", options) == verb


@pytest.mark.parametrize("name", ["config.toml", "curves.png"])
def test_finetune_replaces_no_files_of_others(headwater: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    data = ROOT / "examples" / "questions.json"
    given = ("--model", "reader", "--task", "squad", "--data", data)
    ran = headwater("finetune", *given, "--output", tmp_path)
    assert ran.code == 2 and f"{name}: is of no run, and one would replace it" in ran.err
    assert (tmp_path / name).read_text() == "precious"


def test_a_run_without_its_state_is_not_trained_again(headwater: Any, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "log.jsonl").write_text("{}\n")
    data = ROOT / "examples" / "questions.json"
    given = ("--model", "reader", "--task", "squad", "--data", data, "--resume")
    ran = headwater("finetune", *given, "--output", tmp_path)
    assert ran.code == 2 and "holds a whole model and no state/ to continue from" in ran.err


def _killed_run(folder: Path) -> None:
    """Make what a run leaves that was killed before it saved anything."""
    (folder / "state").mkdir(parents=True)
    (folder / "state" / "lock").touch()
    (folder / "log.jsonl").touch()
    old = Recipe.check({"model": "old", "task": "squad", "data": {"train": ["x"]}}, "test")
    (folder / "config.toml").write_text(resolved(old, FAMILIES["bert"]).to_toml())


def test_what_was_never_saved_says_nothing_of_another_command(tmp_path: Path) -> None:
    run = tmp_path / "run"
    _killed_run(run)
    config = run / "config.toml"
    assert continued(None, run, resume=True, given=True) is None
    assert continued(None, run, resume=True, given=False) == config
    (run / "state" / "step-00000002").mkdir()
    assert continued(None, run, resume=True, given=True) == config
    assert continued(tmp_path, run, resume=True, given=True) == tmp_path
    assert continued(None, run, resume=False, given=True) is None


def test_a_run_that_is_not_there_is_not_continued(headwater: Any, tmp_path: Path) -> None:
    ran = headwater("finetune", "--resume", "--output", tmp_path / "typo")
    assert ran.code == 2 and "typo: holds no run to continue" in ran.err


def test_layers_that_cannot_all_join_are_reported_before_anything_is_written(
    headwater: Any, tmp_path: Path
) -> None:
    data = ROOT / "examples" / "questions.json"
    given = (
        "--model",
        "reader",
        "--task",
        "squad_v2",
        "--data",
        data,
        "--output",
        tmp_path / "run",
    )
    steps = ("--set", "training.steps=4", "--set", "gradual_unfreezing.every=100")
    ran = headwater("finetune", *given, "--set", "method=gradual_unfreezing", *steps)
    assert ran.code == 2 and "do not all join in 4 steps" in ran.err
    assert not (tmp_path / "run").exists()


def test_a_name_that_is_too_long_is_the_users(headwater: Any, tmp_path: Path) -> None:
    data = ROOT / "examples" / "questions.json"
    given = ("--model", "reader", "--task", "squad_v2", "--data", data)
    ran = headwater("finetune", *given, "--output", tmp_path / ("a" * 300))
    assert ran.code == 2 and "File name too long" in ran.err and "Errno" not in ran.err


def test_finetune_writes_into_no_token_store(headwater: Any, tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text("{}")
    data = ROOT / "examples" / "questions.json"
    given = ("--model", "reader", "--task", "squad", "--data", data)
    ran = headwater("finetune", *given, "--output", tmp_path)
    assert ran.code == 2 and "is a token store; name another folder" in ran.err
    assert [item.name for item in tmp_path.iterdir()] == ["store.json"]
