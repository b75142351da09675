"""Labels without names get them from `--label-names`, or from the task by order, aloud."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from conftest import Headwater
from headwater.errors import UserError
from headwater.inference.loaded import load
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.tasks.glue import SST2

NO_NAMES = ("LABEL_0", "LABEL_1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    vocabulary = tiny.wordpiece(tmp_path / "v", tiny.WORDS)
    return tiny.model_folder(tmp_path / "model", vocabulary, "sequence", labels=NO_NAMES, seed=3)


def scores(tmp_path: Path, headwater: Headwater, folder: Path, *more: str) -> tuple[float, str]:
    data = tiny.sst2(tmp_path / "dev.tsv", 12)
    ran = headwater(
        *("evaluate", "--model", folder, "--task", "sst2", "--data", data, "--json"),
        *("--device", "cpu", *more),
    )
    assert ran.code == 0, ran.err
    return json.loads(ran.out)["accuracy"], ran.err


def test_they_are_taken_in_the_order_of_the_task_aloud(
    tmp_path: Path, headwater: Headwater, folder: Path
) -> None:
    named = tmp_path / "named"
    vocabulary = tiny.wordpiece(tmp_path / "v", tiny.WORDS)
    tiny.model_folder(named, vocabulary, "sequence", labels=SST2.labels, seed=3)
    want, said = scores(tmp_path, headwater, named)
    assert "no names" not in said
    found, said = scores(tmp_path, headwater, folder)
    assert found == want
    assert f"{folder}: its labels have no names; taken in the order of task sst2: 0 = " in said
    assert said.count("no names") == 1
    other, said = scores(tmp_path, headwater, folder, "--label-names", ",".join(SST2.labels[::-1]))
    assert other == pytest.approx(100 - want) and "no names" not in said


def test_names_that_do_not_fit_are_one_line(
    tmp_path: Path, headwater: Headwater, folder: Path
) -> None:
    with pytest.raises(UserError, match=r"3 label names are given, and it has 2 labels: LABEL_0"):
        load(folder, "cpu", label_names=["a", "b", "c"])
    with pytest.raises(UserError, match="'a' is given twice"):
        load(folder, "cpu", label_names=["a", "a"])
    with pytest.raises(UserError, match="one head that chooses labels"):
        load("reader", "cpu", label_names=["a", "b"])
    data = tiny.sst2(tmp_path / "dev.tsv", 4)
    line = ("evaluate", "--model", folder, "--task", "sst2", "--data", data, "--label-names", "a,")
    ran = headwater(*line)
    assert ran.code == 2 and "--label-names a,: a name is empty" in ran.err
    ran = headwater(*line[:-1], "good,bad", "--device", "cpu")
    assert ran.code == 2 and "chooses from good, bad; task sst2 has" in ran.err
    assert "--label-names gives others" in ran.err


def test_they_are_shown_and_kept(folder: Path) -> None:
    found = load(folder, "cpu", label_names=["no", "yes"])
    assert {each.label for each in found.classify("the mill")} == {"no", "yes"}
    assert found.config.label_names == ("no", "yes")  # type: ignore[attr-defined]


def test_classify_and_tag_take_them(tmp_path: Path, headwater: Headwater, folder: Path) -> None:
    ran = headwater("classify", "the mill", "--model", folder, "--label-names", "no,yes", "--json")
    assert ran.code == 0, ran.err
    assert {each["label"] for each in json.loads(ran.out)["labels"]} == {"no", "yes"}
    vocabulary = tiny.wordpiece(tmp_path / "v", tiny.WORDS)
    tags = tiny.model_folder(tmp_path / "tags", vocabulary, "token", labels=NO_NAMES)
    ran = headwater("tag", "the mill", "--model", tags, "--label-names", "B-X,I-X", "--json")
    assert ran.code == 0, ran.err
    assert {each["label"] for each in json.loads(ran.out)["entities"]} == {"X"}


def test_tags_without_names_are_said(tmp_path: Path, messages: Callable[[], str]) -> None:
    from headwater.tasks.names import task

    vocabulary = tiny.wordpiece(tmp_path / "v", tiny.WORDS)
    folder = tiny.model_folder(tmp_path / "tags", vocabulary, "token", labels=NO_NAMES)
    load(folder, "cpu").predictor(task("ner"))
    assert "its labels have no names, and come as LABEL_0, LABEL_1; give them" in messages()


def test_training_takes_them_by_order_aloud(
    tmp_path: Path, folder: Path, messages: Callable[[], str]
) -> None:
    recipe = {
        "model": str(folder),
        "task": "sst2",
        "data": {"train": [str(tiny.sst2(tmp_path / "train.tsv", 8))]},
        "training": {"steps": 1, "batch": {"examples": 4}, "device": "cpu"},
    }
    finetune(Recipe.check(recipe, "test"), tmp_path / "run")
    said = messages()
    assert f"{folder / 'config.json'}: its labels have no names and get these: 0 = " in said
    assert "drawn at random" not in said
