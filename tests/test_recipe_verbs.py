"""A recipe given to the wrong verb names the right one, and no run is written over other things."""

from pathlib import Path
from typing import Any

import pytest

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


def test_finetune_writes_into_no_token_store(headwater: Any, tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text("{}")
    data = ROOT / "examples" / "questions.json"
    given = ("--model", "reader", "--task", "squad", "--data", data)
    ran = headwater("finetune", *given, "--output", tmp_path)
    assert ran.code == 2 and "is a token store; name another folder" in ran.err
    assert [item.name for item in tmp_path.iterdir()] == ["store.json"]
