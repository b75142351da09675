"""Label smoothing and class weights: the loss is torch's, and only in training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

import tiny
from headwater.errors import UserError
from headwater.runs.recipe import Recipe
from headwater.runs.run import begin, finetune

CLASSES = ("unacceptable", "acceptable")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT, a tiny T5, and nine sentences, six of which are acceptable."""
    folder = tmp_path_factory.mktemp("loss")
    words = tiny.wordpiece(folder / "words", tiny.WORDS)
    tiny.model_folder(folder / "bert", words, dropout=0.0, classifier_dropout=0.0)
    tiny.model_folder(folder / "t5", tiny.example_unigram(), family="t5", seed=None)
    rows = [("x", int(number < 6), "", " ".join(tiny.WORDS[: number + 1])) for number in range(9)]
    tiny.tab_separated(folder / "cola.tsv", rows)
    return folder


def recipe(folder: Path, loss: dict[str, Any], model: str = "bert", **changes: Any) -> Recipe:
    values = {
        "model": str(folder / model),
        "task": "cola",
        "data": {"train": [str(folder / "cola.tsv")]},
        "loss": loss,
        "training": tiny.exact_training(2, 3),
    }
    return Recipe.check(values | changes, "test")


def test_the_loss_is_torchs(folder: Path) -> None:
    weights = {"acceptable": 2.0}
    run = begin(recipe(folder, {"label_smoothing": 0.1, "class_weights": weights}))
    model = run.setup.model.train()
    batch = {"input_ids": torch.arange(12).reshape(3, 4), "labels": torch.tensor([0, 1, 1])}
    expected = F.cross_entropy(
        model(batch),
        batch["labels"],
        torch.tensor([1.0, 2.0]),
        label_smoothing=0.1,
        reduction="sum",
    )
    torch.testing.assert_close(model.loss_sums(batch)["sequence"], expected)
    plain = F.cross_entropy(model(batch), batch["labels"], reduction="sum")
    torch.testing.assert_close(model.eval().loss_sums(batch)["sequence"], plain)
    assert model.loss_counts(batch) == {"sequence": 3}


def test_balanced_weights_are_scikit_learns(folder: Path) -> None:
    head = begin(recipe(folder, {"class_weights": "balanced"})).setup.model.head
    labels = ["acceptable"] * 6 + ["unacceptable"] * 3
    expected = compute_class_weight("balanced", classes=np.array(CLASSES), y=labels)
    assert head.class_weights.tolist() == pytest.approx(expected.tolist())


def test_a_run_learns_with_them(folder: Path, tmp_path: Path) -> None:
    loss = {"label_smoothing": 0.2, "class_weights": "balanced"}
    outcome = finetune(recipe(folder, loss), tmp_path / "run")
    assert outcome.reason == "finished"


@pytest.mark.parametrize(
    ("loss", "changes", "message"),
    [
        ({"class_weights": {"bad": 2.0}}, {}, "no class 'bad'"),
        ({"label_smoothing": 0.1}, {"model": "t5"}, "one task whose head chooses a class"),
        ({"label_smoothing": 1.0}, {}, "label_smoothing"),
        ({"class_weights": {"acceptable": -1}}, {}, "class_weights.acceptable = -1"),
        ({"class_weights": {"acceptable": 1e9}}, {}, "at most 1e\\+06"),
        ({"class_weights": dict.fromkeys(CLASSES, 0)}, {}, "all are 0"),
    ],
)
def test_what_does_not_fit_is_refused(
    folder: Path, loss: dict[str, Any], changes: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        begin(recipe(folder, loss, **changes))
