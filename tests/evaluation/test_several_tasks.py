"""Several tasks and benchmarks: one summary, a folder for each task, what is skipped and why."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import torch

import tiny
from headwater.commands.evaluate import table
from headwater.data.task import Task
from headwater.errors import UserError
from headwater.evaluation.choice import models_for
from headwater.evaluation.one_task import evaluate_files, predict_file, predictor_for
from headwater.evaluation.scoring import score_file
from headwater.evaluation.several_tasks import evaluate_tasks
from headwater.inference.answer import Decision
from headwater.inference.loaded import LoadedModel
from headwater.tasks.glue import AX, COLA, MNLI_MISMATCHED, RTE

FILES = {
    "CoLA/dev.tsv": "x\t1\t\tBob won.\nx\t1\t\tEve won.\nx\t0\t*\tBob the won.\n",
    "RTE/dev.tsv": "index\tsentence1\tsentence2\tlabel\n"
    "0\tBob won.\tEve lost.\tentailment\n1\tA.\tB.\tnot_entailment\n",
    "STS-B/dev.tsv": "index\tsentence1\tsentence2\tscore\n"
    "0\ta\ta\t5.000\n1\ta\tb\t2.500\n2\ta\tc\t0.000\n",
}
SAID = {"cola": ["acceptable", "acceptable", "banana"], "rte": ["entailment"] * 2}
SAID["stsb"] = ["4.8", "2.0", "no idea"]
SAID |= {"boolq": ["True"], "superglue_rte": ["entailment", "entailment"]}


@pytest.fixture
def glue(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "glue" / name
        path.parent.mkdir(parents=True)
        path.write_text(content)
    return tmp_path / "glue"


class Loaded:
    """Predicts what SAID holds, for the tasks that it knows."""

    generates = True

    def __init__(self, known: Iterable[str]) -> None:
        self.known = set(known)

    def read_as(self, task: Task[Any]) -> Task[Any]:
        return task

    def predictor(self, task: Task[Any]) -> Callable[[Any], Iterator[Decision]]:
        if task.name not in self.known:
            raise UserError(f"this model knows no {task.name}")

        def predict(examples: Any) -> Iterator[Decision]:
            for each, text in zip(examples, SAID[task.name], strict=True):
                yield Decision(each.id, text)

        return predict


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Models by the tasks they know, as `cola+rte`; the list says what was loaded."""
    loaded: list[str] = []

    def load(model: str, device: str = "auto", **_: object) -> Loaded:
        loaded.append(model)
        return Loaded(model.split("+"))

    for module in ("several_tasks", "one_task"):
        monkeypatch.setattr(f"headwater.evaluation.{module}.load", load)
    monkeypatch.setattr("headwater.evaluation.several_tasks.resolve", Path)
    return loaded


def test_a_folder_called_like_a_bundled_model_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reader").mkdir()
    monkeypatch.chdir(tmp_path)
    assert models_for(["reader"], [COLA]) == {"cola": "reader"}


def test_a_benchmark_in_one_table_and_one_folder(
    glue: Path, models: list[str], tmp_path: Path, messages: Callable[[], str]
) -> None:
    out = tmp_path / "out"
    summary = evaluate_tasks(["cola+rte+stsb"], ["glue"], [glue], out)
    assert models == ["cola+rte+stsb"]
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    tasks = {"cola": "CoLA", "rte": "RTE", "stsb": "STS-B"}
    assert names == {"metrics.json"} | {
        f"{name}/{file}"
        for name, official in tasks.items()
        for file in ("metrics.json", "intervals.json", "evaluation.json", f"{official}.tsv")
    } | {f"{name}/{file}" for name in ("cola", "rte") for file in ("report.txt", "confusion.png")}
    written = json.loads((out / "metrics.json").read_text())
    assert written == summary.to_dict()
    assert list(written["tasks"]) == ["cola", "stsb", "rte"]
    assert written["examples"] == {"cola": 3, "stsb": 3, "rte": 2}
    assert "qqp" in written["skipped"] and "rte" not in written["skipped"]
    each = written["tasks"]
    assert each["rte"] == {"accuracy": 50.0}
    assert json.loads((out / "stsb" / "metrics.json").read_text()) == each["stsb"]
    about = json.loads((out / "stsb" / "evaluation.json").read_text())
    assert (about["model"], about["task"], about["examples"]) == ("cola+rte+stsb", "stsb", 3)
    assert about["data"] == [str(glue / "STS-B" / "dev.tsv")]
    stsb = (each["stsb"]["pearson"] + each["stsb"]["spearman"]) / 2
    mean = (each["cola"]["matthews"] + stsb + 50.0) / 3
    assert written["averages"]["glue"] == {"mean": pytest.approx(mean), "tasks": 3, "of": 9}
    assert written["averages"]["glue_without_wnli"]["of"] == 8
    assert written["averages"]["glue_of_bert"]["of"] == 9
    lines = table(summary).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["task", "cola", "stsb", "rte"]
    assert lines[3].split() == ["rte", "2", "accuracy", "50.00", "(0.00", "to", "100.00)"]
    assert written["intervals"]["rte"] == {"accuracy": [0.0, 100.0]}
    assert json.loads((out / "rte" / "intervals.json").read_text()) == written["intervals"]["rte"]
    assert lines[4].endswith("over 3 of its 9 tasks")
    said = messages()
    assert "predictions that are no label of cola, which count as wrong: 1 of 3" in said
    assert "predictions that are no number of stsb, which count as wrong: 1 of 3" in said
    assert f"skipped qqp: no QQP/dev.tsv in {glue}" in said


def test_what_was_written_scores_the_same(glue: Path, models: list[str], tmp_path: Path) -> None:
    summary = evaluate_tasks(["rte+cola"], ["rte", "cola"], [glue], tmp_path)
    assert list(summary.tasks) == ["rte", "cola"]
    for name, file in (("rte", "RTE.tsv"), ("cola", "CoLA.tsv")):
        scores = score_file(name, [glue], tmp_path / name / file)
        assert scores == summary.tasks[name].metrics
    mean = (summary.tasks["cola"].metrics["matthews"] + 50.0) / 2
    assert summary.averages["main_metrics"].mean == pytest.approx(mean)
    assert (tmp_path / "rte" / "RTE.tsv").read_text().splitlines() == [
        *("index\tprediction", "0\tentailment", "1\tentailment")
    ]


def test_a_model_for_each_task_is_loaded_once(glue: Path, models: list[str]) -> None:
    given = ["cola=cola", "stsb=rte+stsb", "rte=rte+stsb"]
    summary = evaluate_tasks(given, ["glue"], [glue])
    assert models == ["cola", "rte+stsb"]
    assert list(summary.tasks) == ["cola", "stsb", "rte"]


def test_a_model_that_does_not_fit_is_skipped_or_refused(
    glue: Path, models: list[str], messages: Callable[[], str]
) -> None:
    summary = evaluate_tasks(["cola+rte"], ["glue"], [glue])
    assert list(summary.tasks) == ["cola", "rte"]
    assert summary.skipped["stsb"] == "this model knows no stsb"
    assert "skipped stsb: this model knows no stsb" in messages()
    summary = evaluate_tasks(["cola=cola"], ["glue"], [glue])
    assert summary.skipped["rte"] == "no model for it; add --model rte=MODEL"
    with pytest.raises(UserError, match="task stsb: this model knows no stsb"):
        evaluate_tasks(["cola+rte"], ["cola", "stsb"], [glue])
    with pytest.raises(UserError, match="task rte: no model for it; add --model rte=MODEL"):
        evaluate_tasks(["cola=cola"], ["cola", "rte"], [glue])
    with pytest.raises(UserError, match="no task is left to measure"):
        evaluate_tasks(["wnli"], ["glue"], [glue])


def test_a_task_alone_takes_its_folder_and_its_model(
    glue: Path, models: list[str], tmp_path: Path, messages: Callable[[], str]
) -> None:
    assert evaluate_files(["rte=rte", "cola=x"][:1], "rte", [glue]) == {"accuracy": 50.0}
    assert evaluate_files("rte", "rte", [glue / "RTE"]) == {"accuracy": 50.0}
    with pytest.raises(UserError, match="neither a model nor a folder with a run rte/"):
        evaluate_files(str(tmp_path), "rte", [glue])
    predict_file("cola", "cola", glue / "CoLA" / "dev.tsv", tmp_path / "said.tsv")
    assert (
        "predictions that are no label of cola, which are written as they are: 1 of 3" in messages()
    )
    assert (tmp_path / "said.tsv").read_text().splitlines()[:2] == ["index\tprediction", "0\t1"]


def test_scoring_says_what_is_missing(
    glue: Path, tmp_path: Path, messages: Callable[[], str]
) -> None:
    (tmp_path / "RTE.tsv").write_text("index\tprediction\n0\tmaybe\n")
    assert score_file("rte", [glue], tmp_path / "RTE.tsv") == {"accuracy": 0.0}
    said = messages()
    assert "examples without a prediction, which count 0: 1 of 2" in said
    assert "predictions that are no label of rte, which count as wrong: 1 of 1" in said
    row = {"premise": "It rained.", "choice1": "a", "choice2": "b", "question": "cause"}
    (tmp_path / "copa.jsonl").write_text(json.dumps(row | {"idx": 0, "label": 0}))
    (tmp_path / "said.jsonl").write_text('{"idx": 0, "label": "choice3"}')
    assert score_file("copa", [tmp_path / "copa.jsonl"], tmp_path / "said.jsonl") == {"accuracy": 0}
    assert "predictions that are no label of copa, which count as wrong: 1 of 1" in messages()
    dev = tmp_path / "squad.json"
    tiny.squad_file(dev, tiny.paragraph("a b", tiny.question("q", "?", "a")))
    (tmp_path / "given.json").write_text('{"q": "a", "r": "b"}')
    assert score_file("squad", [dev], tmp_path / "given.json")["exact_match"] == 100.0
    said = messages()
    assert "predictions of no example here, which do not count: 1, the first: 'r'" in said


def test_superglue_counts_its_own_rte(models: list[str], tmp_path: Path) -> None:
    rte = [{"premise": "a", "hypothesis": "b", "label": each, "idx": n}
           for n, each in enumerate(("entailment", "not_entailment"))]  # fmt: skip
    boolq = [{"question": "a", "passage": "b", "label": True, "idx": 0}]
    for name, rows in (("RTE", rte), ("BoolQ", boolq)):
        (tmp_path / name).mkdir()
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / name / "val.jsonl").write_text(lines)
    summary = evaluate_tasks(["boolq+superglue_rte"], ["superglue"], [tmp_path])
    assert list(summary.tasks) == ["boolq", "superglue_rte"]
    average = summary.averages["superglue"]
    assert (average.mean, average.tasks, average.of) == (75.0, 2, 8)


def test_a_task_without_training_files_takes_the_head_of_another() -> None:
    loaded = cast(LoadedModel, Loaded(["mnli"]))
    predictor_for(loaded, MNLI_MISMATCHED)
    predictor_for(loaded, AX)
    with pytest.raises(UserError, match="knows no rte"):
        predictor_for(loaded, RTE)


def test_real_heads_over_two_tasks(glue: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    vocabulary = tiny.wordpiece(tmp_path, letters=f"{tiny.LETTERS}.")
    for task in (COLA, RTE):
        model = tmp_path / "runs" / task.name / "model"
        tiny.model_folder(model, vocabulary, "sequence", labels=task.labels, num_hidden_layers=1)
    summary = evaluate_tasks([str(tmp_path / "runs")], ["glue"], [glue], device="cpu")
    assert list(summary.tasks) == ["cola", "rte"]
    assert summary.skipped["stsb"].startswith("no model for it")
    alone = evaluate_files(str(tmp_path / "runs"), "rte", [glue / "RTE" / "dev.tsv"], device="cpu")
    assert alone == summary.tasks["rte"].metrics
