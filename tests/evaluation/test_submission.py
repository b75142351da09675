"""GLUE's submission: eleven tables with the leaderboard's names, spellings and rows, or none."""

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from headwater.checkpoints.folder import save_model
from headwater.errors import UserError
from headwater.evaluation import submission
from headwater.evaluation.submission import ROWS, repaired, tables, write_submission
from headwater.models.build import build_multi_task
from headwater.models.config import TaskHead
from headwater.tasks.glue import AX, COLA, GLUE, MNLI, MNLI_MISMATCHED, QQP, RTE, STSB

# what gluebenchmark.com lists: the file, its number of rows, and how its labels are spelled
LEADERBOARD = {
    "CoLA.tsv": (1063, {"0", "1"}),
    "SST-2.tsv": (1821, {"0", "1"}),
    "MRPC.tsv": (1725, {"0", "1"}),
    "STS-B.tsv": (1379, None),
    "QQP.tsv": (390965, {"0", "1"}),
    "MNLI-m.tsv": (9796, {"entailment", "neutral", "contradiction"}),
    "MNLI-mm.tsv": (9847, {"entailment", "neutral", "contradiction"}),
    "QNLI.tsv": (5463, {"entailment", "not_entailment"}),
    "RTE.tsv": (3000, {"entailment", "not_entailment"}),
    "WNLI.tsv": (146, {"0", "1"}),
    "AX.tsv": (1104, {"entailment", "neutral", "contradiction"}),
}
HEADERS = {
    "mnli": "index\tsentence1\tsentence2",
    "ax": "index\tsentence1\tsentence2",
    "mrpc": "index\t#1 ID\t#2 ID\t#1 String\t#2 String",
    "qqp": "id\tquestion1\tquestion2",
    "qnli": "index\tquestion\tsentence",
    "cola": "index\tsentence",
    "sst2": "index\tsentence",
}


@pytest.fixture(scope="module")
def predictions() -> dict[str, list[str]]:
    draw = random.Random(0)
    labels = {task.name: task.labels or ("0.000", "2.613", "5.000") for task in GLUE}
    return {name: draw.choices(labels[name], k=rows) for name, rows in ROWS.items()}


def test_the_zip_is_what_the_leaderboard_takes(
    tmp_path: Path, predictions: dict[str, list[str]]
) -> None:
    path = tmp_path / "new" / "glue.zip"
    write_submission(path, predictions)
    first = path.read_bytes()
    write_submission(path, predictions)
    assert path.read_bytes() == first
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        contents = {name: archive.read(name).decode() for name in archive.namelist()}
    assert sorted(contents) == sorted(LEADERBOARD)
    for name, (rows, words) in LEADERBOARD.items():
        header, *lines = contents[name].removesuffix("\n").split("\n")
        cells = [line.split("\t") for line in lines]
        assert (header, len(lines)) == ("index\tprediction", rows)
        assert [index for index, _ in cells] == [str(row) for row in range(rows)]
        if words is None:
            assert all(0 <= float(text) <= 5 for _, text in cells)
        else:
            assert {text for _, text in cells} == words
    spelled = contents["CoLA.tsv"].split("\n")[1].split("\t")[1]
    assert spelled == str(COLA.labels.index(predictions["cola"][0]))


@pytest.mark.parametrize("task", [COLA, STSB, MNLI, AX], ids=lambda task: task.name)
def test_a_wrong_table_is_refused(
    tmp_path: Path, predictions: dict[str, list[str]], task: Any
) -> None:
    name, file = task.name, task.prediction_file.name
    whole = predictions[name]
    count = len(whole)
    wrong: list[tuple[list[str], str]] = [
        (whole[:-1], f"{file}: {count - 1} predictions; the test set has {count}"),
        ([*whole, whole[0]], f"{file}: {count + 1} predictions"),
        ([*whole[:-1], "1" if task.labels else "5.1"], f"{file}, index {count - 1}: "),
        (["nan", *whole[1:]], f"{file}, index 0: 'nan' is not "),
    ]
    for given, message in wrong:
        with pytest.raises(UserError, match=message):
            write_submission(tmp_path / "glue.zip", predictions | {name: given})
    assert not (tmp_path / "glue.zip").exists()


def test_all_eleven_and_no_other(predictions: dict[str, list[str]]) -> None:
    for name in ("cola", "ax"):
        with pytest.raises(UserError, match=f"no predictions of task {name}"):
            tables({key: given for key, given in predictions.items() if key != name})
    with pytest.raises(UserError, match="boolq is no task of GLUE"):
        tables(predictions | {"boolq": []})


def test_what_is_no_label_is_replaced_and_counted(messages: Callable[[], str]) -> None:
    assert repaired(RTE, ["entailment", "maybe", "not_entailment"]) == [
        *("entailment", "entailment", "not_entailment")
    ]
    assert "rte: predictions that are no label, now 'entailment': 1 of 3" in messages()
    assert repaired(STSB, ["2.61254", "-0.3", "7", "x", "nan"]) == [
        *("2.613", "0.000", "5.000", "0.000", "0.000")
    ]
    assert "stsb: predictions that are no number, now '0': 2 of 5" in messages()
    assert repaired(QQP, ["duplicate"]) == ["duplicate"]
    assert messages() == ""


ROWS_HERE = {task.name: 2 + index % 3 for index, task in enumerate(GLUE)}


@pytest.fixture
def glue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Test files of a few rows, taken to be the leaderboard's."""
    monkeypatch.setattr(submission, "ROWS", ROWS_HERE)
    for task in GLUE:
        (name,) = task.files.splits["test"]
        header = HEADERS.get(task.template, "index\tsentence1\tsentence2")
        columns = header.count("\t")
        rows = [f"{row}" + "\tBob won." * columns for row in range(ROWS_HERE[task.name])]
        path = tmp_path / "glue" / task.files.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *rows]) + "\n")
    return tmp_path / "glue"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """One network with a head for each task that has training files."""
    vocabulary = tiny.wordpiece(tmp_path / "words", ["bob", "won", "."])
    config = tiny.bert_config(vocab_size=vocabulary.size, num_hidden_layers=1)
    own = [task for task in GLUE if task not in (MNLI_MISMATCHED, AX)]
    heads = {
        each.name: TaskHead("regression" if each is STSB else "sequence", each.labels)
        for each in own
    }
    extra = {"sequence": {"max_length": 32}}
    torch.manual_seed(0)
    save_model(
        tmp_path / "all", build_multi_task(config, heads), vocabulary=vocabulary, extra=extra
    )
    return tmp_path / "all"


def test_the_verb_predicts_and_writes(
    glue: Path, model: Path, tmp_path: Path, headwater: Any
) -> None:
    out = tmp_path / "glue.zip"
    ran = headwater("submit", "glue", "--model", model, "--data", glue, "--output", out, "--json")
    assert ran.code == 0, ran.err
    rows = {task.prediction_file.name: ROWS_HERE[task.name] for task in GLUE}
    assert json.loads(ran.out) == rows
    with zipfile.ZipFile(out) as archive:
        found = {name: archive.read(name).decode().count("\n") - 1 for name in archive.namelist()}
    assert found == rows


def test_a_part_of_a_submission_has_the_tables_that_are_asked_for(
    glue: Path, model: Path, tmp_path: Path, headwater: Any
) -> None:
    out, given = tmp_path / "part.zip", ("submit", "glue", "--data", glue, "--output")
    (glue / "QQP/test.tsv").unlink()  # that of another task is not needed
    which = ("--task", "rte,mnli_mismatched", "--task", "cola")
    ran = headwater(*given, out, "--model", f"mnli={model}", "--model", model, *which)
    assert ran.code == 0, ran.err
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["CoLA.tsv", "MNLI-mm.tsv", "RTE.tsv"]
    assert "a part of a submission, without SST-2.tsv, MRPC.tsv, STS-B.tsv," in ran.err
    none = headwater(*given, tmp_path / "none.zip", "--model", model, "--task", "boolq")
    assert none.code == 2 and "--task boolq: no task of GLUE" in none.err
    other = headwater(*given, tmp_path / "none.zip", "--model", f"cola={model}", "--task", "rte")
    assert other.code == 2 and "cola is not among the tasks asked for" in other.err
    assert not (tmp_path / "none.zip").exists()


def test_what_is_missing_is_reported_before_any_work(
    glue: Path, model: Path, tmp_path: Path, headwater: Any
) -> None:
    def refused(*options: object) -> str:
        out = tmp_path / "glue.zip"
        ran = headwater("submit", "glue", "--data", glue, "--output", out, *options)
        assert ran.code == 2
        assert not out.exists()
        return str(ran.err)

    assert "no model for sst2; add --model sst2=MODEL" in refused("--model", f"cola={model}")
    (glue / "MNLI/test_mismatched.tsv").write_text("index\tsentence1\tsentence2\n0\ta\tb\n")
    said = refused("--model", model)
    assert "test_mismatched.tsv: 1 row; the leaderboard's test set of mnli_mismatched has" in said
    (glue / "AX/diagnostic.tsv").unlink()
    (glue / "MNLI/test_mismatched.tsv").write_text((glue / "MNLI/test_matched.tsv").read_text())
    assert (
        headwater("submit", "superglue", "--model", model, "--data", glue, "--output", "x").code
        == 2
    )


def test_the_diagnostics_may_lie_where_the_download_puts_them(glue: Path) -> None:
    where = glue / "diagnostic"
    (glue / "AX").rename(where)
    assert len(submission._read_test(AX, glue)) == ROWS_HERE["ax"]
    (where / "diagnostic.tsv").unlink()
    with pytest.raises(UserError, match=r"no diagnostic.tsv of task ax here or in AX/"):
        submission._read_test(AX, glue)


def test_rows_are_those_of_the_real_test_files(shared: Path) -> None:
    for task in GLUE:
        if (shared / "data/glue" / task.files.folder / "test.tsv").is_file() and task is not MNLI:
            assert len(submission._read_test(task, shared / "data/glue")) == ROWS[task.name]
