"""`evaluate`, `predict` and `score` over the tasks of a benchmark, with heads of random weights."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.tasks.glue import COLA, RTE
from headwater.text.loading import load_vocabulary

ROWS = (
    "index\tsentence1\tsentence2\tlabel\n0\tthe mill\ta mill\tentailment\n1\ta\tb\tnot_entailment\n"
)


@pytest.fixture(scope="module")
def runs(reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run for cola and one for rte."""
    folder = tmp_path_factory.mktemp("runs")
    vocabulary = load_vocabulary(reader)
    for task in (COLA, RTE):
        model = folder / task.name / "model"
        tiny.model_folder(model, vocabulary, "sequence", labels=task.labels, num_hidden_layers=1)
    return folder


@pytest.fixture
def glue(tmp_path: Path) -> Path:
    for name, content in (("CoLA", "x\t1\t\tthe mill.\nx\t0\t*\tmill the.\n"), ("RTE", ROWS)):
        (tmp_path / "glue" / name).mkdir(parents=True)
        (tmp_path / "glue" / name / "dev.tsv").write_text(content)
    return tmp_path / "glue"


def test_a_benchmark_on_the_screen_and_as_json(
    headwater: Any, runs: Path, glue: Path, tmp_path: Path
) -> None:
    given = ("evaluate", "--model", runs, "--data", glue, "--device", "cpu")
    ran = headwater(*given, "--task", "glue", "--output", tmp_path / "out")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["task", "cola", "rte"]
    assert "over 2 of its 9 tasks" in lines[3]
    assert "skipped qqp: no QQP/dev.tsv" in ran.err
    assert "cola: 2 examples in" in ran.err
    written = json.loads((tmp_path / "out" / "metrics.json").read_text())
    listed = json.loads(headwater(*given, "--task", "cola,rte", "--json").out)
    assert listed["tasks"] == written["tasks"]
    assert list(listed["averages"]) == ["main_metrics"]
    ran = headwater(
        *("score", "rte", "--data", glue, "--json"),
        *("--predictions", tmp_path / "out" / "rte" / "RTE.tsv"),
    )
    assert json.loads(ran.out) == written["tasks"]["rte"]


def test_a_task_alone_is_printed_as_ever(headwater: Any, runs: Path, glue: Path) -> None:
    ran = headwater("evaluate", "--model", runs / "rte", "--task", "rte", "--data", glue, "--json")
    assert ran.code == 0, ran.err
    assert set(json.loads(ran.out)) == {"accuracy"}
    assert ran.err == ""
    shown = headwater("evaluate", "--model", runs / "rte", "--task", "rte", "--data", glue).out
    assert re.fullmatch(r"accuracy  \d+ +\(\d+\.\d\d to \d+\.\d\d\)\n", shown)


def test_predictions_in_the_tasks_format(
    headwater: Any, runs: Path, glue: Path, tmp_path: Path
) -> None:
    out = tmp_path / "RTE.tsv"
    given = ("predict", "--model", runs / "rte", "--task", "rte")
    ran = headwater(*given, "--input", glue / "RTE" / "dev.tsv", "--output", out)
    assert ran.code == 0, ran.err
    header, *lines = out.read_text().splitlines()
    assert header == "index\tprediction"
    assert [line.split("\t")[0] for line in lines] == ["0", "1"]
    assert {line.split("\t")[1] for line in lines} <= set(RTE.labels)


def test_a_file_without_predictions_is_not_scored(
    headwater: Any, glue: Path, tmp_path: Path
) -> None:
    (tmp_path / "said.tsv").write_text("foo\n")
    files = ("--data", glue / "RTE" / "dev.tsv", "--predictions", tmp_path / "said.tsv")
    ran = headwater("score", "rte", *files)
    assert (ran.code, ran.out) == (2, "")
    assert "said.tsv: holds no prediction of task rte" in ran.err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["--task", "gleu"], "unknown task 'gleu'; did you mean 'glue'?"),
        (["--task", "glue,qqp"], "task qqp: no QQP/dev.tsv in"),
        (["--task", "cola", "--model", "qqp=x"], "qqp is not among the tasks asked for"),
        (["--task", "glue", "--model", "a"], "which task is it for? write TASK=a"),
        (["--task", "cola,stsb", "--data", "nowhere"], "several tasks need the benchmark's folder"),
    ],
)
def test_mistakes_are_one_line(
    headwater: Any, runs: Path, glue: Path, changed: list[str], said: str
) -> None:
    ran = headwater("evaluate", "--model", runs, "--data", glue, *changed)
    assert ran.code == 2
    assert said in ran.err and len(ran.err.splitlines()) == 1
