"""SQuAD as a task: reading, saying it as text, scoring, the table."""

import json
from pathlib import Path

import pytest

import tiny
from headwater.data.example import AnswerSpan, Examples, SpanExample
from headwater.data.predictions import JSON, read_probabilities
from headwater.errors import UserError
from headwater.tasks.names import TASKS, task
from headwater.tasks.squad import SQUAD_V1, SQUAD_V2

ANSWERED = SpanExample(
    "q1", " Which river? ", "Ann saw the Rhine.", (AnswerSpan("Rhine", 12), AnswerSpan("Rhine", 12))
)
NULL = SpanExample("q2", "Which sea?", "Ann saw the Rhine.", (), impossible=True)


def test_text_to_text_keeps_all_answers() -> None:
    said = SQUAD_V1.to_text(ANSWERED)
    assert said.inputs == "question: Which river? context: Ann saw the Rhine."
    assert (said.id, said.targets) == ("q1", ("Rhine",))
    two = SpanExample("q", "Who?", "Ann B", (AnswerSpan("Ann B", 0), AnswerSpan("Ann", 0)))
    assert SQUAD_V1.to_text(two).targets == ("Ann B", "Ann")


def test_no_answer_is_said_in_a_word() -> None:
    assert SQUAD_V2.to_text(NULL).targets == ("unanswerable",)
    assert SQUAD_V2.to_text(SpanExample("q", "Who?", "Ann", ())).targets == ()
    for said in ("unanswerable", "Unanswerable.", ""):
        assert SQUAD_V2.from_text(NULL, said) == SQUAD_V1.from_text(NULL, said) == ""


def test_scores_by_version() -> None:
    assert SQUAD_V1.score(Examples([ANSWERED]), {"q1": "the Rhine"}) == {
        "exact_match": 100.0,
        "f1": 100.0,
    }
    scores = SQUAD_V2.score(Examples([ANSWERED, NULL]), {"q1": "", "q2": ""}, {"q1": 1, "q2": 1})
    assert (scores["exact"], scores["HasAns_exact"], scores["best_f1"]) == (50.0, 0.0, 50.0)


def test_what_a_version_does_not_know_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "null.json"
    tiny.squad_file(
        path, tiny.paragraph("Ann saw the Rhine.", tiny.unanswerable("q2", "Which sea?"))
    )
    assert SQUAD_V2.read([path])[0].impossible
    with pytest.raises(UserError, match=r"null.json: question 'q2' has no answer.*squad_v2"):
        SQUAD_V1.read([path])
    assert not SQUAD_V1.read([path], answered=False)[0].impossible
    with pytest.raises(UserError, match="no-answer probabilities"):
        SQUAD_V1.score(Examples([ANSWERED]), {}, {"q1": 0.5})
    with pytest.raises(UserError, match="'q' has no known answer"):
        SQUAD_V2.score(Examples([SpanExample("q", "Who?", "Ann", ())]), {})


def test_golden_files_through_the_task(shared: Path) -> None:
    golden = shared / "golden"
    examples = SQUAD_V2.read([shared / "data/qa/squad_v2.0/dev-v2.0.first12articles.json"])
    scores = SQUAD_V2.score(
        examples,
        JSON.read(golden / "squad_v2.0.predictions.json", examples),
        read_probabilities(golden / "squad_v2.0.no_answer_probabilities.json"),
    )
    expected = json.loads((golden / "squad_v2.0.scores.json").read_text())
    assert scores == pytest.approx(expected, rel=0, abs=1e-9)


def test_the_table_names_every_task_and_suggests_the_nearest() -> None:
    assert {name: each.name for name, each in TASKS.items()} == {n: n for n in TASKS}
    for each in TASKS.values():
        assert each.main_metric in each.metric_names
    for each in (SQUAD_V1, SQUAD_V2):
        scores = each.score(Examples([ANSWERED]), {"q1": "x"})
        assert {name for name in scores if "total" not in name} <= set(each.metric_names)
    assert task("squad") is SQUAD_V1
    with pytest.raises(UserError, match="'squadv2'; did you mean 'squad_v2'"):
        task("squadv2")
    with pytest.raises(UserError, match="known tasks: squad, squad_v2"):
        task("xyz")


def test_a_question_without_a_context_stands_alone() -> None:
    assert SQUAD_V2.to_text(SpanExample("q", " who? ", "", ())).inputs == "question: who?"
    with_text = SQUAD_V2.to_text(SpanExample("q", " who? ", "bob", ()))
    assert with_text.inputs == "question: who? context: bob"
