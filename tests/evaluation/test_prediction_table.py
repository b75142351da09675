"""`predict --probabilities`: the input's columns, the prediction and its probabilities."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.data.row import Row
from headwater.errors import UserError
from headwater.evaluation.one_task import predict_file
from headwater.evaluation.prediction_table import dump, records
from headwater.inference.answer import Decision

WORDS = ["the", "mill", "river", "good", "bad", "is", "not", "a", "it"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    words = tiny.wordpiece(folder / "words", WORDS, tiny.LETTERS + ".,")
    heads: dict[str, Any] = {
        "sequence": ("dull", "good"),
        "token": ("O", "B-x"),
        "regression": (),
        "span": (),
    }
    made = {
        head: tiny.model_folder(folder / head, words, head, labels=labels)
        for head, labels in heads.items()
    }
    spaces = tiny.unigram(folder / "spaces", WORDS)
    made["t5"] = tiny.model_folder(folder / "t5", spaces, family="t5")
    return made


def task(folder: Path, kind: str, **keys: Any) -> str:
    """Declare a task of that kind, whose texts are in column `text`."""
    metrics = {"sequence": "accuracy", "regression": "pearson", "token": "f1"}[kind]
    lines = [f'kind = "{kind}"', f'metrics = ["{metrics}"]']
    lines += ['template = "say: {words}"'] if kind == "token" else [
        'template = "say: {text}"', 'texts = ["text"]'
    ]  # fmt: skip
    lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    (folder / "own.toml").write_text("\n".join(lines))
    return str(folder / "own.toml")


def table(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text())))


def test_the_columns_of_a_table_are_kept(tmp_path: Path, made: dict[str, Path]) -> None:
    own = task(tmp_path, "sequence", labels=["dull", "good"])
    text = 'id;text;note\n7;"the mill; ""good""";a\n8;"two\nlines";\n'
    (tmp_path / "a.csv").write_text(text)
    out = tmp_path / "p.csv"
    said = predict_file(
        str(made["sequence"]), own, tmp_path / "a.csv", out, probabilities=True, device="cpu"
    )
    assert said == {"output": str(out), "predictions": 2}
    first, second = table(out)
    labels = ["probability_dull", "probability_good"]
    assert list(first) == ["id", "text", "note", "prediction", *labels]
    assert (first["id"], first["text"], second["text"]) == ("7", 'the mill; "good"', "two\nlines")
    assert sum(float(first[label]) for label in labels) == pytest.approx(1, abs=1e-5)
    assert first["prediction"] == max(labels, key=lambda label: float(first[label]))[12:]
    predict_file(
        str(made["sequence"]), own, tmp_path / "a.csv", tmp_path / "p.tsv",
        probabilities=True, device="cpu",
    )  # fmt: skip
    header, *lines = (tmp_path / "p.tsv").read_text().splitlines()
    assert header.split("\t") == list(first)
    assert lines[1].split("\t")[1] == "two lines"


def test_json_lines_keep_their_values(tmp_path: Path, made: dict[str, Path]) -> None:
    own = task(tmp_path, "sequence", labels=["dull", "good"])
    given = [{"text": "it is good", "tags": ["a", 1], "n": 3}, {"text": "é", "n": None}]
    file = tiny.json_lines(tmp_path / "a.jsonl", given)
    out = tmp_path / "p.jsonl"
    predict_file(str(made["sequence"]), own, file, out, probabilities=True, device="cpu")
    found = [json.loads(line) for line in out.read_text().splitlines()]
    for before, after in zip(given, found, strict=True):
        assert {key: after[key] for key in before} == before
        assert list(after) == [*before, "prediction", "probabilities"]
        assert list(after["probabilities"]) == ["dull", "good"]


def test_numbers_and_tags(tmp_path: Path, made: dict[str, Path]) -> None:
    own = task(tmp_path, "regression")
    (tmp_path / "a.csv").write_text("text\nit is good\n")
    out = tmp_path / "p.jsonl"
    model = str(made["regression"])
    predict_file(model, own, tmp_path / "a.csv", out, probabilities=True, device="cpu")
    record = json.loads(out.read_text())
    assert list(record) == ["text", "prediction"] and isinstance(record["prediction"], float)
    own = task(tmp_path, "token")
    file = tiny.json_lines(tmp_path / "a.jsonl", [{"words": ["it", "is"], "id": 4}])
    predict_file(str(made["token"]), own, file, out, probabilities=True, device="cpu")
    record = json.loads(out.read_text())
    assert (record["words"], record["id"], len(record["prediction"])) == (["it", "is"], 4, 2)
    assert all(0.5 < chance <= 1 for chance in record["probabilities"])
    predict_file(
        str(made["token"]), own, file, tmp_path / "p.csv", probabilities=True, device="cpu"
    )
    [row] = table(tmp_path / "p.csv")
    assert row["prediction"] == " ".join(record["prediction"])
    assert len(row["probabilities"].split()) == 2


def test_a_task_of_a_benchmark(tmp_path: Path, made: dict[str, Path]) -> None:
    file, out = tiny.sst2(tmp_path / "dev.tsv", 3), tmp_path / "p.csv"
    words = tiny.wordpiece(tmp_path / "words", WORDS)
    from headwater.tasks.names import TASKS

    model = tiny.model_folder(tmp_path / "m", words, "sequence", labels=TASKS["sst2"].labels)
    predict_file(str(model), "sst2", file, out, probabilities=True, device="cpu")
    rows = table(out)
    assert [row["sentence"] for row in rows] == [tiny.BAD, tiny.GOOD, tiny.BAD]
    assert [row["label"] for row in rows] == ["0", "1", "0"]
    assert {row["prediction"] for row in rows} <= {*TASKS["sst2"].labels}


@pytest.mark.parametrize(
    ("model", "kind", "column", "output", "expected"),
    [
        ("sequence", "sequence", "text", "p.json", "end the name in .csv, .tsv, .jsonl"),
        ("sequence", "sequence", "prediction", "p.csv", "a column 'prediction' is there already"),
        ("t5", "sequence", "text", "p.csv", "writes its predictions, and gives no probabilities"),
        ("span", "squad", "text", "p.csv", "has no table with a row for each example"),
    ],
)
def test_what_has_no_such_table_is_refused_before_it_is_written(
    tmp_path: Path, made: dict[str, Path], model: str, kind: str, column: str, output: str,
    expected: str,
) -> None:  # fmt: skip
    own = kind if kind == "squad" else task(tmp_path, kind, labels=["dull", "good"])
    (tmp_path / "a.csv").write_text(
        f"text,{column}2\nit is,x\n".replace("prediction2", "prediction")
    )
    with pytest.raises(UserError, match=expected):
        predict_file(
            str(made[model]), own, tmp_path / "a.csv", tmp_path / output,
            probabilities=True, device="cpu",
        )  # fmt: skip
    assert not (tmp_path / output).exists()


def test_several_labels_and_empty_cells() -> None:
    rows = [Row(Path("a.jsonl"), 1, {"text": "a"}), Row(Path("a.jsonl"), 2, {"text": "b", "n": []})]
    decisions = {"0": Decision("0", "x, y", (0.9, 0.8)), "1": Decision("1", "", (0.1, 0.25))}
    found = list(records(rows, decisions, ("x", "y"), False))
    assert dump(Path("p.tsv"), found) == (
        "text\tprediction\tprobability_x\tprobability_y\tn\n"
        "a\tx, y\t0.9\t0.8\t\nb\t\t0.1\t0.25\t[]\n"
    )
