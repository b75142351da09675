"""Scores of each class, and errors of numbers, equal scikit-learn's on random cases."""

import doctest
import logging
import random
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics

import headwater.metrics.classes
import headwater.metrics.regression
from headwater.errors import UserError
from headwater.evaluation.scoring import log_report
from headwater.metrics.classes import class_report, class_scores, confusion
from headwater.metrics.names import Scored, measure
from headwater.metrics.regression import mean_absolute_error, mean_squared_error, r_squared
from headwater.pictures.confusion import draw_confusion
from headwater.tasks.names import task

LABELS = ["a", "b", "c", "d"]


@pytest.mark.parametrize("module", [headwater.metrics.classes, headwater.metrics.regression])
def test_the_examples_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(20))
def test_classes_are_scored_as_scikit_learn_does(seed: int) -> None:
    chance = random.Random(seed)
    golds = chance.choices(LABELS[: 2 + seed % 3], k=30)
    predictions = [chance.choice([gold, *LABELS, "no label"]) for gold in golds]
    matrix = confusion(golds, predictions, LABELS)
    whole = sklearn.metrics.confusion_matrix(golds, predictions, labels=[*LABELS, "no label"])
    assert np.array_equal(matrix, whole[:-1])
    expected = sklearn.metrics.precision_recall_fscore_support(
        golds, predictions, labels=LABELS, zero_division=0
    )
    found = np.array(class_scores(matrix)).T
    np.testing.assert_allclose(found[:3], 100 * np.array(expected[:3]))
    assert found[3].tolist() == list(expected[3])


def test_a_report_has_a_line_for_each_class() -> None:
    lines = class_report(["a", "b"], ["a", "x"], ["a", "b"]).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["class", "a", "b", "mean"]
    assert lines[4] == "predictions that are no label: 1"
    with pytest.raises(UserError, match="no example"):
        class_report([], [], ["a"])


@pytest.mark.parametrize("seed", range(10))
def test_errors_are_those_of_scikit_learn(seed: int) -> None:
    draw = np.random.default_rng(seed)
    golds, predictions = draw.normal(3, 2, 25).tolist(), draw.normal(3, 2, 25).tolist()
    pairs = (
        (mean_squared_error, sklearn.metrics.mean_squared_error, 1),
        (mean_absolute_error, sklearn.metrics.mean_absolute_error, 1),
        (r_squared, sklearn.metrics.r2_score, 100),
    )
    for ours, theirs, scale in pairs:
        assert ours(golds, predictions) == pytest.approx(scale * theirs(golds, predictions))


def test_golds_that_are_all_the_same_have_no_variance() -> None:
    assert r_squared([2.0, 2.0], [2.0, 2.0]) == 100.0
    assert r_squared([2.0, 2.0], [1.0, 2.0]) == 0.0


def test_they_are_metrics_of_numbers() -> None:
    scored = Scored({"x": ("1.0",), "y": ("3.0",)}, {"x": "2.0", "y": "none"})
    found = measure("regression", ("mse", "mae", "r2"), scored)
    assert found == {"mse": 8.5, "mae": 2.5, "r2": -750.0}


@pytest.mark.parametrize("count", [3, 40])
def test_the_picture_is_drawn(count: int, tmp_path: Path) -> None:
    labels = [f"class {number}" for number in range(count)]
    matrix = confusion([*labels, labels[0]], [*labels, "none"], labels)
    draw_confusion(matrix, labels, tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_predictions_that_are_all_one_class_are_noted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    same = {str(number): "acceptable" for number in range(10)}
    log_report(task("cola"), [], same)  # type: ignore[arg-type]
    assert "all 10 predictions of cola are 'acceptable'" in caplog.text
    caplog.clear()
    log_report(task("cola"), [], same | {"x": "unacceptable"})  # type: ignore[arg-type]
    log_report(task("cola"), [], dict(list(same.items())[:9]))  # type: ignore[arg-type]
    assert not caplog.text


def test_the_same_labels_for_all_texts_are_noted_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    file = tmp_path / "colors.toml"
    file.write_text(
        'kind = "multi_label"\ntexts = ["text"]\nlabels = ["red", "blue"]\n'
        'template = "{text}"\nmetrics = ["micro_f1"]\n'
    )
    same = {str(number): "red, blue" for number in range(10)}
    log_report(task(str(file)), [], same)  # type: ignore[arg-type]
    assert "all 10 predictions of colors are 'red, blue'" in caplog.text
    caplog.clear()
    log_report(task(str(file)), [], same | {"x": "none"})  # type: ignore[arg-type]
    assert not caplog.text


def test_a_long_prediction_is_cut_in_the_note(caplog: pytest.LogCaptureFixture) -> None:
    log_report(task("cola"), [], dict.fromkeys(map(str, range(10)), "la " * 100))  # type: ignore[arg-type]
    assert "are 'la la" in caplog.text and len(caplog.messages[-1]) < 200
