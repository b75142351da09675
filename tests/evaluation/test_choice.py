"""Which tasks, files and models a command line means."""

from pathlib import Path

import pytest

from headwater.errors import UserError
from headwater.evaluation.choice import models_for, only_task, select_tasks, task_names
from headwater.tasks.glue import AX, COLA, MNLI, MNLI_MISMATCHED, RTE
from headwater.tasks.names import BENCHMARKS
from headwater.tasks.names import task as find_task


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("CoLA/dev.tsv", "RTE/dev.tsv", "RTE/test.tsv", "MNLI/dev_matched.tsv"):
        (tmp_path / "glue" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "glue" / name).write_text("")
    return tmp_path / "glue"


def test_names_may_be_listed_and_repeated() -> None:
    assert task_names(["cola,rte", "rte", " glue"]) == ["cola", "rte", "glue"]
    assert only_task(["cola"]) == "cola"
    assert only_task(["glue"]) is None
    assert only_task(["cola", "rte"]) is None
    with pytest.raises(UserError, match="unknown task ''; known tasks: glue"):
        task_names(["cola,"])
    with pytest.raises(UserError, match="unknown task 'gleu'; did you mean 'glue'"):
        task_names(["cola,gleu"])
    assert task_names(["my_task.toml"]) == ["my_task.toml"]


def test_a_benchmark_is_what_is_there_of_it(folder: Path) -> None:
    wanted, skipped = select_tasks(["glue"], [folder])
    assert [each.task.name for each in wanted] == ["cola", "mnli", "rte"]
    assert wanted[2].files == (folder / "RTE" / "dev.tsv",)
    assert all(each.optional for each in wanted)
    assert set(skipped) == set(BENCHMARKS["glue"]) - {"cola", "mnli", "rte"}
    assert skipped["qqp"] == f"no QQP/dev.tsv in {folder}"
    assert skipped["ax"] == "it has no official validation files"


def test_a_task_by_its_name_must_be_there(folder: Path) -> None:
    wanted, _ = select_tasks(["rte", "glue"], [folder])
    assert [(each.task.name, each.optional) for each in wanted][:2] == [
        ("rte", False),
        ("cola", True),
    ]
    with pytest.raises(UserError, match=r"task qqp: no QQP/dev\.tsv in"):
        select_tasks(["glue", "qqp"], [folder])
    with pytest.raises(UserError, match="several tasks need the benchmark's folder"):
        select_tasks(["cola", "rte"], [folder / "CoLA" / "dev.tsv"])
    with pytest.raises(UserError, match="no files of glue"):
        select_tasks(["glue"], [_empty(folder)])
    with pytest.raises(UserError, match="unknown task 'colla'; did you mean 'cola'"):
        select_tasks(["colla", "rte"], [folder])


def _empty(folder: Path) -> Path:
    (folder.parent / "empty").mkdir()
    return folder.parent / "empty"


def test_the_first_folder_that_has_a_task_serves(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "RTE"
    other.mkdir(parents=True)
    (other / "dev.tsv").write_text("")
    wanted, _ = select_tasks(["cola", "rte"], [tmp_path / "other", folder])
    assert [each.files[0] for each in wanted] == [folder / "CoLA" / "dev.tsv", other / "dev.tsv"]


def test_the_hub_serves_what_it_has(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, *_: object) -> list[Path]:
        return [Path(f"{name}.parquet")]

    monkeypatch.setattr("headwater.evaluation.choice.with_hub", fetch)
    wanted, skipped = select_tasks(["glue"], [folder, Path("hub")])
    files = {each.task.name: each.files[0] for each in wanted}
    assert files["cola"] == folder / "CoLA" / "dev.tsv"
    assert files["qqp"] == Path("qqp.parquet")
    assert list(skipped) == ["ax"]


def test_one_model_for_all_or_one_for_each(tmp_path: Path) -> None:
    tasks = [COLA, MNLI, MNLI_MISMATCHED, AX]
    assert models_for(["m"], tasks) == dict.fromkeys(("cola", "mnli", "mnli_mismatched", "ax"), "m")
    own = models_for(["cola=a", "mnli=b", "ax=c=d"], tasks)
    assert own == {"cola": "a", "mnli": "b", "mnli_mismatched": "b", "ax": "c=d"}
    assert models_for(["cola=a"], tasks) == {"cola": "a"}
    assert models_for(["mnli=b"], [AX]) == {"ax": "b"}
    assert models_for(["all", "mnli=b"], [COLA, AX]) == {"cola": "all", "ax": "b"}
    (tmp_path / "cola=1").mkdir()
    (tmp_path / "cola=1" / "config.json").write_text("{}")
    assert models_for([str(tmp_path / "cola=1")], [RTE]) == {"rte": str(tmp_path / "cola=1")}


def test_a_folder_of_runs(tmp_path: Path) -> None:
    for name in ("cola", "mnli"):
        (tmp_path / name / "model").mkdir(parents=True)
    found = models_for([str(tmp_path), "rte=r"], [COLA, MNLI_MISMATCHED, RTE])
    assert found == {
        "cola": str(tmp_path / "cola"),
        "mnli_mismatched": str(tmp_path / "mnli"),
        "rte": "r",
    }
    assert models_for([str(tmp_path)], [RTE]) == {}
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    assert models_for([str(tmp_path)], [RTE]) == {"rte": str(tmp_path)}


def test_models_that_cannot_be_meant() -> None:
    with pytest.raises(UserError, match="which task is it for"):
        models_for(["a", "b"], [COLA])
    with pytest.raises(UserError, match="rte is not among the tasks asked for"):
        models_for(["rte=a"], [COLA])
    with pytest.raises(UserError, match=r"cola has a model already \(a\)"):
        models_for(["cola=a", "cola=b"], [COLA])
    with pytest.raises(UserError, match="no task 'coal'; did you mean 'cola'"):
        models_for(["coal=a"], [COLA])


def test_where_one_task_is_asked_for_others_are_refused() -> None:
    with pytest.raises(UserError, match="cola,rte: one task was expected, not a list"):
        find_task("cola,rte")
    with pytest.raises(UserError, match="glue is a benchmark; one of its tasks was expected"):
        find_task("glue")
