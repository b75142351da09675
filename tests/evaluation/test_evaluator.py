"""Evaluation and prediction from files, over a small random reader."""

import json
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import torch

import tiny
from headwater.data.example import AnswerSpan, Examples, PairExample, SpanExample
from headwater.errors import UserError
from headwater.evaluation.evaluator import evaluate, predict, progress_of
from headwater.evaluation.one_task import evaluate_files, predict_file
from headwater.evaluation.scoring import score_file
from headwater.inference.answer import Answer, Decision, Prediction
from headwater.progress import installed
from headwater.tasks.squad import SQUAD_V1, SQUAD_V2

QUESTIONS = Examples(
    [
        SpanExample("a", "who?", "bob won", (AnswerSpan("bob", 0),)),
        SpanExample("b", "what?", "the red zed", (AnswerSpan("red zed", 4),)),
    ]
)


class Parrot:
    """Says the first word; finds the second question hard to answer where `unsure`."""

    def __init__(self, unsure: bool) -> None:
        self.unsure = unsure

    def __call__(self, examples: Iterable[SpanExample]) -> Iterator[Prediction]:
        for each in examples:
            word = each.context.split()[0]
            probability = (0.9 if each.id == "b" else 0.1) if self.unsure else None
            margin = 1.0 if self.unsure else None
            yield Prediction(each.id, (Answer(word, 1.0),), word, margin, probability)


def test_metrics_and_files(tmp_path: Path) -> None:
    seen: list[str] = []

    class Bar:
        def start(self, total: float, done: float, count: str) -> None:
            seen.append(count)

        def move(self, done: float, count: str, rate: str, left: str, fields: str) -> None:
            seen.append(count)

        def close(self) -> None: ...

    with installed(lambda _: Bar()), progress_of(SQUAD_V1) as progress:
        result = evaluate(Parrot(False), SQUAD_V1, QUESTIONS, progress)
    assert result.metrics == {"exact_match": 50.0, "f1": 50.0}
    assert seen == ["0/2", "1/2", "2/2"]
    result.save(tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["calibration.json", "metrics.json", "predictions.json", "reliability.png"]
    written = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert written == {"a": "bob", "b": "the"}


def test_probabilities_reach_the_score_and_the_file(tmp_path: Path) -> None:
    result = evaluate(Parrot(True), SQUAD_V2, QUESTIONS)
    assert result.metrics["best_f1"] == 50.0
    assert result.predictions.margins == {"a": 1.0, "b": 1.0}
    result.save(tmp_path)
    probabilities = json.loads((tmp_path / "no_answer_probabilities.json").read_text())
    assert probabilities == {"a": 0.1, "b": 0.9}
    assert "best_f1" not in evaluate(Parrot(False), SQUAD_V2, QUESTIONS).metrics


def test_what_is_kept_of_a_prediction_is_its_text() -> None:
    examples = Examples(
        [PairExample(str(number), "a", "b", "entailment") for number in range(3000)]
    )

    def predictor(given: Iterable[PairExample]) -> Iterator[Decision]:
        for each in given:
            yield Decision(each.id, "entailment", tuple(map(float, range(300))))

    tracemalloc.start()
    found = predict(predictor, examples)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.texts) == 3000 and found.no_answer_probabilities is None
    assert peak < 2_000_000  # the probabilities of all would be 29 MB


@pytest.fixture
def model(tmp_path: Path) -> str:
    torch.set_num_threads(1)
    vocabulary = tiny.wordpiece(tmp_path, letters=f"{tiny.LETTERS}?.")
    return str(tiny.model_folder(tmp_path / "model", vocabulary, "span", num_hidden_layers=1))


def squad(path: Path, *, answers: bool = True) -> Path:
    known = "bob" if answers else None
    questions = [tiny.question(f"q{n}", "who won?", known) for n in range(5)]
    return tiny.squad_file(path, tiny.paragraph("bob won. eve left.", *questions))


def test_evaluate_files_writes_what_score_reads(model: str, tmp_path: Path) -> None:
    data = squad(tmp_path / "dev.json")
    metrics = evaluate_files(model, "squad_v2", [data], tmp_path / "out", device="cpu")
    assert metrics["total"] == 5 and "best_f1" in metrics
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == metrics
    texts = json.loads((tmp_path / "out" / "predictions.json").read_text())
    probabilities = json.loads((tmp_path / "out" / "no_answer_probabilities.json").read_text())
    assert SQUAD_V2.score(SQUAD_V2.read([data]), texts, probabilities) == metrics
    always = evaluate_files(model, "squad", [data], device="cpu")
    assert set(always) == {"exact_match", "f1"}


def test_predict_needs_no_answers(model: str, tmp_path: Path) -> None:
    data = squad(tmp_path / "test.json", answers=False)
    predict_file(model, "squad", data, tmp_path / "p.json", device="cpu")
    texts = json.loads((tmp_path / "p.json").read_text())
    assert set(texts) == {f"q{n}" for n in range(5)} and all(texts.values())
    predict_file(model, "squad_v2", data, tmp_path / "p2.json", tmp_path / "n.json", device="cpu")
    assert all(0 <= each <= 1 for each in json.loads((tmp_path / "n.json").read_text()).values())


def test_unusable_outputs_are_refused_before_any_work(tmp_path: Path) -> None:
    data = squad(tmp_path / "dev.json")
    with pytest.raises(UserError, match="a folder was expected"):
        evaluate_files("no such model", "squad", [data], data)
    with pytest.raises(UserError, match="a file was expected"):
        predict_file("no such model", "squad", data, tmp_path)
    with pytest.raises(UserError, match="squad_v2"):
        predict_file("no such model", "squad", data, tmp_path / "p", tmp_path / "n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev.json"]


def test_old_probabilities_do_not_stay_beside_new_predictions(tmp_path: Path) -> None:
    evaluate(Parrot(True), SQUAD_V2, QUESTIONS).save(tmp_path)
    assert (tmp_path / "no_answer_probabilities.json").is_file()
    evaluate(Parrot(False), SQUAD_V1, QUESTIONS).save(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["calibration.json", "metrics.json", "predictions.json", "reliability.png"]


def test_probabilities_of_a_writer_are_refused_before_predicting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Writing:
        generates = True

        def predictor(self, **_: object) -> None:
            raise AssertionError("predicted")

    monkeypatch.setattr("headwater.evaluation.one_task.load", lambda *_, **__: Writing())
    asked = tmp_path / "asked.json"
    tiny.squad_file(asked, tiny.paragraph("bob", tiny.question("q", "who?")))
    with pytest.raises(UserError, match="writes its answers"):
        predict_file(
            "t5", "squad_v2", asked, tmp_path / "out.json", tmp_path / "probabilities.json"
        )


def test_every_question_counts_as_in_score(model: str, tmp_path: Path) -> None:
    """Answers without a place, empty questions and contexts, and ids that repeat."""
    asked = [
        tiny.question("q1", "who won?", "bob", 999),
        tiny.question("q2", "who left?", "the owl"),
        tiny.question("q3", " ", "bob"),
        tiny.question("q1", "who left?", "eve", 9),
    ]
    data = tmp_path / "dev.json"
    empty = tiny.paragraph("", tiny.question("q4", "who?", "bob"))
    tiny.squad_file(data, tiny.paragraph("bob won. eve left.", *asked), empty)
    metrics = evaluate_files(model, "squad", [data], tmp_path / "out", device="cpu")
    texts = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert list(texts) == ["q1", "q2", "q3", "q1 [2]", "q4"]
    assert score_file("squad", [data], tmp_path / "out" / "predictions.json") == metrics
    assert evaluate_files(model, "squad_v2", [data], device="cpu")["HasAns_total"] == 4
