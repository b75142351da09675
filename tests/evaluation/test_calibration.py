"""Scores against the share of right answers, by hand, and the files that evaluating leaves."""

import json
from pathlib import Path

import pytest

from headwater.data.example import AnswerSpan, Examples, SpanExample
from headwater.evaluation.calibration import calibration
from headwater.evaluation.evaluator import evaluate
from headwater.inference.answer import Answer, Prediction
from headwater.tasks.squad import SQUAD_V2


def test_bins_and_error_by_hand() -> None:
    golds = {"a": ["the Rhine"], "b": ["Bonn", "old Bonn town"], "c": [], "d": ["x"], "e": ["y"]}
    texts = {"a": "Rhine", "b": "Bonn town", "c": "Ann", "d": "", "e": "z", "unknown": "q"}
    scores = {"a": 0.85, "b": 0.81, "c": 0.89, "d": 0.9, "e": 1.0, "unknown": 0.5}
    found = calibration(texts, scores, golds)
    eighth, last = found.bins[8], found.bins[9]
    assert (eighth.low, eighth.high, eighth.answers) == (0.8, 0.9, 3)
    assert eighth.score == pytest.approx(0.85)
    assert eighth.right == pytest.approx(2 / 3)  # "Ann" answers a question without an answer
    assert (last.answers, last.right) == (1, 0.0)  # "no answer" is no answer
    assert found.answers == 4
    assert found.error == pytest.approx((3 * abs(0.85 - 2 / 3) + 1) / 4)
    assert calibration({}, {}, {}).error == 0.0


def test_evaluating_questions_leaves_a_diagram(tmp_path: Path) -> None:
    examples = Examples(
        [
            SpanExample("1", "Who?", "Ann ran.", (AnswerSpan("Ann", 0),)),
            SpanExample("2", "Where?", "Ann ran.", (), impossible=True),
        ]
    )

    def predictor(given: object) -> list[Prediction]:
        said = Answer("Ann", 0.93)
        return [
            Prediction("1", (said,), "Ann", -1.0, 0.1),
            Prediction("2", (Answer.none(0.7),), "Ann", 1.0, 0.9),
        ]

    evaluate(predictor, SQUAD_V2, examples).save(tmp_path)  # type: ignore[arg-type]
    written = json.loads((tmp_path / "calibration.json").read_text())
    assert written["answers"] == 1
    assert written["bins"][9] == {
        "low": 0.9,
        "high": 1.0,
        "answers": 1,
        "score": 0.93,
        "right": 1.0,
    }
    assert written["expected_calibration_error"] == pytest.approx(0.07)
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")
