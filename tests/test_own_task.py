"""A declared task through the whole chain: fine-tuned, evaluated and predicted by its file."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.data.parallel_files import Text
from headwater.inference.loaded import load
from headwater.metrics.tagging import chunks
from headwater.tasks.names import TASKS
from headwater.tasks.writing import TextTask

WORDS = ("lamp", "dark", "bill", "price", "the", "is", "my", "again")

TICKETS = """
kind = "sequence"
labels = ["billing", "fault"]
metrics = ["accuracy"]
template = "ticket: {text}"
texts = ["text"]
"""
PLANTS = """
kind = "token"
labels = ["O", "B-thing"]
metrics = ["f1"]
template = "things: {words}"
"""


def run(headwater: Callable[..., Any], *arguments: object) -> str:
    ran = headwater(*arguments)
    assert ran.code == 0, ran.err
    out: str = ran.out
    return out


def finetuned(headwater: Callable[..., Any], folder: Path, task: str, data: str) -> None:
    vocabulary = tiny.wordpiece(folder, WORDS)
    (folder / "recipe.toml").write_text(
        f"""
        task = "{task}"
        [data]
        train = ["{data}"]
        [network]
        preset = "bert-base-uncased"
        vocabulary = "vocab.txt"
        [network.sizes]
        vocab_size = {vocabulary.size}
        hidden_size = 32
        intermediate_size = 64
        num_hidden_layers = 1
        num_attention_heads = 2
        hidden_dropout_prob = 0.0
        [training]
        steps = 60
        learning_rate = 5e-3
        batch = {{ examples = 16 }}
        device = "cpu"
        """
    )
    run(headwater, "finetune", "recipe.toml", "--output", "run")


def test_classes(
    headwater: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tickets.toml").write_text(TICKETS)
    texts = [f"{a} {b} is {c}" for a in ("the", "my") for b in WORDS[:4] for c in ("again", "is")]
    labels = ["fault" if {"lamp", "dark"} & set(text.split()) else "billing" for text in texts]
    rows = zip(texts, labels, strict=True)
    Path("a.csv").write_text("text,label\n" + "".join(f'"{a}",{b}\n' for a, b in rows))
    finetuned(headwater, tmp_path, "tickets.toml", "a.csv")
    common = ("--model", "run", "--task", "tickets.toml")
    scores = json.loads(run(headwater, "evaluate", *common, "--data", "a.csv", "--json"))
    assert scores["accuracy"] == 100.0
    run(headwater, "predict", *common, "--input", "a.csv", "--output", "p.json")
    assert list(json.loads(Path("p.json").read_text()).values()) == labels
    files = ("--data", "a.csv", "--predictions", "p.json", "--json")
    assert json.loads(run(headwater, "score", "tickets.toml", *files))["accuracy"] == 100.0
    said = run(
        headwater, "predict", *common, "--input", "a.csv", "--output", "t.csv", "--probabilities"
    )
    assert said.split() == ["output", "t.csv", "predictions", str(len(labels))]
    table = list(csv.DictReader(Path("t.csv").read_text().splitlines()))
    columns = ["text", "label", "prediction", "probability_billing", "probability_fault"]
    assert sorted(table[0]) == sorted(columns)
    assert [row["text"] for row in table] == texts
    assert [row["prediction"] for row in table] == labels
    model = load("run", "cpu")
    for row, found in zip(table, model.classify(texts), strict=True):
        assert found[0].label == row["prediction"]
        assert found[0].score == pytest.approx(
            float(row[f"probability_{found[0].label}"]), abs=1e-5
        )


def test_tags(
    headwater: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("things.toml").write_text(PLANTS)
    sentences = [(a, b, "is", c) for a in ("the", "my") for b in WORDS[:4] for c in WORDS[:2]]
    lines = [[f"{w} {'B-thing' if w in WORDS[:4] else 'O'}" for w in words] for words in sentences]
    Path("a.conll").write_text("\n\n".join("\n".join(each) for each in lines) + "\n")
    finetuned(headwater, tmp_path, "things.toml", "a.conll")
    common = ("--model", "run", "--task", "things.toml")
    scores = json.loads(run(headwater, "evaluate", *common, "--data", "a.conll", "--json"))
    assert (scores["f1"], scores["f1 thing"]) == (100.0, 100.0)
    run(headwater, "predict", *common, "--input", "a.conll", "--output", "p.conll")
    assert Path("p.conll").read_text().startswith("the O\nlamp B-thing\nis O\n")
    given = (*common, "--input", "a.conll", "--output", "t.jsonl", "--probabilities")
    run(headwater, "predict", *given)
    model = load("run", "cpu")
    for line, words in zip(Path("t.jsonl").read_text().splitlines(), sentences, strict=True):
        record = json.loads(line)
        assert record["words"] == list(words)
        assert len(record["prediction"]) == len(record["probabilities"]) == len(words)
        expected = [" ".join(words[start:end]) for _, start, end in chunks(record["prediction"])]
        assert [each.text for each in model.tag(" ".join(words))] == expected


def test_a_task_built_in_python(
    headwater: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def minutes(path: Path, *, answered: bool) -> Iterator[Text]:
        for line in path.read_text().splitlines():
            said, _, written = line.partition("|")
            yield Text(str(path), said, (written,) if answered else ())

    task = TextTask(
        name="minutes",
        summary="Minutes of a meeting",
        prefix="minutes: ",
        reader=minutes,
        metric_names=("rougeL",),
        main_metric="rougeL",
    )
    monkeypatch.setitem(TASKS, task.name, task)
    (tmp_path / "a.txt").write_text("we met|a b\nwe left|c d\n")
    (tmp_path / "p.txt").write_text("a b\nc x\n")
    files = ("--data", tmp_path / "a.txt", "--predictions", tmp_path / "p.txt", "--json")
    assert json.loads(run(headwater, "score", "minutes", *files)) == {"rougeL": 75.0}
