"""Tasks in which a text has several labels, or none: files, scores, training, both directions."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
import torch
import transformers

import headwater
import tiny
from headwater.errors import UserError
from headwater.evaluation.one_task import evaluate_files
from headwater.metrics.several import exact_match, label_report, macro_f1, micro_f1
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.tasks.declared import load_task

LABELS = ["fault", "billing", "urgent"]
ROWS = [
    ("it broke", ["fault"]),
    ("the bill", ["billing"]),
    ("it broke now", ["urgent", "fault"]),
    ("the bill now", ["billing", "urgent"]),
    ("thank you", []),
]
TASK = """
kind = "multi_label"
labels = ["fault", "billing", "urgent"]
metrics = ["micro_f1", "macro_f1", "exact_match"]
template = "ticket: {text}"
texts = ["text"]
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "ticket.toml").write_text(TASK)
    rows = [{"text": text, "labels": labels} for text, labels in ROWS]
    tiny.json_lines(tmp_path / "train.jsonl", rows * 4)
    lines = ["text,labels", *(f'{text},"{", ".join(labels)}"' for text, labels in ROWS)]
    (tmp_path / "dev.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.parametrize("seed", range(10))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    chance = random.Random(seed)
    sides = np.array([[[chance.random() < 0.4 for _ in LABELS] for _ in range(20)] for _ in "gp"])
    golds, found = (
        [", ".join(x for x, one in zip(LABELS, row, strict=True) if one) for row in side]
        for side in sides
    )
    for average, ours in (("micro", micro_f1), ("macro", macro_f1)):
        expected = sklearn.metrics.f1_score(*sides, average=average, zero_division=0)
        assert ours(golds, found, LABELS) == pytest.approx(100 * expected)
    assert exact_match(golds, found) == pytest.approx(100 * sklearn.metrics.accuracy_score(*sides))
    table = label_report(golds, [*found[:-1], "no such label"], LABELS).splitlines()
    sides[1][-1] = False
    expected = sklearn.metrics.precision_recall_fscore_support(*sides, zero_division=0)
    for line, label, scores in zip(table[1:4], LABELS, zip(*expected, strict=True), strict=True):
        name, *shown, count = line.split()
        assert (name, int(count)) == (label, scores[3])
        assert [*map(float, shown)] == pytest.approx([100 * x for x in scores[:3]], abs=0.005)
    assert table[-1] == "predictions that are no label: 1"


def test_lists_and_commas_are_read_alike(files: Path) -> None:
    task = load_task(files / "ticket.toml")
    wanted = ["fault", "billing", "fault, urgent", "billing, urgent", ""]
    for name in ("train.jsonl", "dev.csv"):
        found = [each.label for each in task.read([files / name])]
        assert found[:5] == wanted
    texts = [task.to_text(each) for each in task.read([files / "dev.csv"])]
    assert [each.targets for each in texts][2:] == [
        ("fault, urgent",),
        ("billing, urgent",),
        ("none",),
    ]
    example = next(iter(task.read([files / "dev.csv"])))
    assert task.from_text(example, " urgent,fault ") == "fault, urgent"
    assert task.from_text(example, "none") == ""
    assert task.from_text(example, "spam, fault") == "fault, spam"


def test_a_run_learns_them_and_is_opened_by_the_published_code(files: Path) -> None:
    words = tiny.wordpiece(files / "words", ["it", "broke", "the", "bill", "now", "thank", "you"])
    tiny.model_folder(files / "bert", words, dropout=0.0, initializer_range=0.2)
    recipe = Recipe.check(
        {
            "model": str(files / "bert"),
            "task": str(files / "ticket.toml"),
            "data": {
                "train": [str(files / "train.jsonl")],
                "validation": [str(files / "dev.csv")],
            },
            "training": tiny.exact_training(60, 20, learning_rate=1e-2, eval_steps=60),
        },
        "test",
    )
    outcome = finetune(recipe, files / "run")
    assert outcome.best_value == 100.0
    folder = files / "run" / "model"
    task, data = str(files / "ticket.toml"), [files / "dev.csv"]
    found = evaluate_files(str(folder), task, data, files / "out")
    assert found == {"micro_f1": 100.0, "macro_f1": 100.0, "exact_match": 100.0}
    mean = (files / "out" / "report.txt").read_text().splitlines()[-1].split()
    assert mean[:-1] == ["mean", "100.00", "100.00", "100.00"]
    reader = headwater.load(folder)
    decided: Any = reader.classify("it broke now")
    assert "fault" in str(decided) and "urgent" in str(decided)
    theirs = transformers.BertForSequenceClassification.from_pretrained(folder).eval()
    assert theirs.config.problem_type == "multi_label_classification"
    assert list(theirs.config.id2label.values()) == LABELS
    ids = torch.tensor([[2, *words.encode("it broke now").ids.tolist(), 3]])
    assert (theirs(ids).logits[0] > 0).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (["falt"], "line 1: unknown label 'falt'; did you mean 'fault'"),
        (3, "is no list of labels"),
        (None, "label is hidden"),
    ],
)
def test_what_is_no_label_is_refused(files: Path, cell: Any, message: str) -> None:
    (files / "bad.jsonl").write_text(json.dumps({"text": "it", "labels": cell}) + "\n")
    with pytest.raises(UserError, match=message):
        load_task(files / "ticket.toml").read([files / "bad.jsonl"])


@pytest.mark.parametrize("labels", ['["a", "b, c"]', '["a", "none"]', '["a", "a"]', '["a"]'])
def test_labels_that_cannot_be_told_apart_are_refused(files: Path, labels: str) -> None:
    text = TASK.replace('["fault", "billing", "urgent"]', labels)
    (files / "bad.toml").write_text(text)
    with pytest.raises(UserError, match="labels"):
        load_task(files / "bad.toml")
