"""Scores against the share of right answers, by hand, and the files that evaluating leaves."""

import json
from pathlib import Path

import pytest

from headwater.data.example import AnswerSpan, Examples, PairExample, SpanExample
from headwater.evaluation.calibration import JUDGES, of_answers, of_decisions
from headwater.evaluation.evaluator import evaluate
from headwater.inference.answer import Answer, Decision, Prediction
from headwater.tasks.names import task
from headwater.tasks.squad import SQUAD_V2


def test_bins_and_error_by_hand() -> None:
    golds = {"a": ["the Rhine"], "b": ["Bonn", "old Bonn town"], "c": [], "d": ["x"], "e": ["y"]}
    texts = {"a": "Rhine", "b": "Bonn town", "c": "Ann", "d": "", "e": "z", "unknown": "q"}
    scores = {"a": 0.85, "b": 0.81, "c": 0.89, "d": 0.9, "e": 1.0, "unknown": 0.5}
    found = of_answers(texts, scores, golds)
    eighth, last = found.bins[8], found.bins[9]
    assert (eighth.low, eighth.high, eighth.answers) == (0.8, 0.9, 3)
    assert eighth.score == pytest.approx(0.85)
    assert eighth.right == pytest.approx(2 / 3)  # "Ann" answers a question without an answer
    assert (last.answers, last.right) == (1, 0.0)  # "no answer" is no answer
    assert found.answers == 4
    assert found.error == pytest.approx((3 * abs(0.85 - 2 / 3) + 1) / 4)
    assert found.to_dict()["right_is_f1_of"] == 0.5
    assert of_answers({}, {}, {}).error == 0.0


def test_classes_and_entities_by_hand() -> None:
    said = [Decision("a", "yes", (0.35, 0.65)), Decision("b", "no", (0.75, 0.25))]
    sure = {each.id: JUDGES["sequence"].sure(each) for each in said}
    texts = {each.id: each.text for each in said}
    found = of_decisions(JUDGES["sequence"], texts, sure, {"a": ["yes"], "b": ["yes"]})
    assert [(each.answers, each.right) for each in found.bins[6:8]] == [(1, 1.0), (1, 0.0)]
    assert found.error == pytest.approx((0.35 + 0.75) / 2)
    assert found.to_dict()["right_is_f1_of"] is None

    tags = Decision("a", "B-person I-person O B-place", (0.9, 0.7, 0.99, 0.55))
    judge = JUDGES["token"]
    assert judge.sure(tags) == pytest.approx((0.8, 0.55))
    assert judge.right(tags.text, "B-person I-person O O") == [True, False]
    assert judge.sure(Decision("a", "O O", (0.9, 0.9))) == ()
    written = Decision("a", "B-person")  # by a model that gives no probabilities
    assert judge.sure(written) == () and JUDGES["sequence"].sure(written) == ()


@pytest.mark.parametrize("sure", [(), (0.2, 0.8)])
def test_evaluating_classes_leaves_a_diagram_where_there_are_probabilities(
    tmp_path: Path, sure: tuple[float, ...]
) -> None:
    examples = Examples([PairExample("1", "A fine film.", label="positive")])

    def predictor(given: object) -> list[Decision]:
        return [Decision("1", "positive", sure)]

    (tmp_path / "calibration.json").write_text("of an earlier evaluation")
    evaluate(predictor, task("sst2"), examples).save(tmp_path)
    file = tmp_path / "calibration.json"
    assert file.exists() is bool(sure)
    if sure:
        assert json.loads(file.read_text())["expected_calibration_error"] == pytest.approx(0.2)


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
