"""Scores equal the official scripts' on real predictions, and hold their laws on any text."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.data.span_files import read_squad
from headwater.errors import UserError
from headwater.metrics.qa import (
    any_alias,
    exact_match,
    f1,
    f1_or_null,
    normalize_answer,
    normalize_trivia_qa,
    squad_v1,
    squad_v2,
)

words = st.sampled_from(["the", "a", "Rhine", "river", "rhine,", "blue", "1,000", "é", ""])
phrases = st.lists(words, max_size=5).map(" ".join)


def load(path: Path) -> dict[str, object]:
    return json.loads(path.read_text(encoding="utf-8"))


def golds_of(path: Path) -> dict[str, list[str]]:
    return {each.id: [answer.text for answer in each.answers] for each in read_squad([path])}


def test_golden_v1_on_the_whole_official_dev_set(shared: Path) -> None:
    golds = golds_of(shared / "data/qa/squad_v1.1/dev-v1.1.json")
    assert len(golds) == 10_570
    scores = squad_v1(golds, load(shared / "golden/squad_v1.1.predictions.json"))
    assert scores == pytest.approx(load(shared / "golden/squad_v1.1.scores.json"), rel=0, abs=1e-9)


def test_golden_v2_with_thresholds(shared: Path) -> None:
    golds = golds_of(shared / "data/qa/squad_v2.0/dev-v2.0.first12articles.json")
    golden = shared / "golden"
    predictions = load(golden / "squad_v2.0.predictions.json")
    probabilities = load(golden / "squad_v2.0.no_answer_probabilities.json")
    scores = squad_v2(golds, predictions, probabilities)
    expected = load(golden / "squad_v2.0.scores.json")
    assert list(scores) == list(expected)
    assert scores == pytest.approx(expected, rel=0, abs=1e-9)
    without = {name: value for name, value in expected.items() if "best" not in name}
    assert squad_v2(golds, predictions) == pytest.approx(without, rel=0, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Rhine!", "rhine"),
        ("an A the", ""),
        ("theatre", "theatre"),
        ("$1,000.50", "100050"),
        ("a-b", "ab"),
        ("“the” Rhine", "“ ” rhine"),  # only ASCII punctuation goes, as in the official script
        ("\tÉcole\u00a0Normale\n", "école normale"),
    ],
)
def test_normalization(text: str, normal: str) -> None:
    assert normalize_answer(text) == normal


@settings(deadline=None)
@given(st.text())
def test_normal_text_has_no_case_punctuation_articles_or_wide_spaces(text: str) -> None:
    normal = normalize_answer(text)
    assert not set(normal) & set(string.punctuation)
    assert normal == " ".join(normal.split())
    assert not {"a", "an", "the"} & set(normal.split(" "))


@settings(deadline=None)
@given(phrases)
def test_normalizing_twice_changes_nothing(text: str) -> None:
    assert normalize_answer(normalize_answer(text)) == normalize_answer(text)


@settings(deadline=None)
@given(phrases, phrases)
def test_f1_is_symmetric_in_range_and_1_for_equal_bags_only(left: str, right: str) -> None:
    for measure in (f1, f1_or_null):
        assert measure(left, right) == pytest.approx(measure(right, left), abs=1e-15)
        assert 0.0 <= measure(left, right) <= 1.0
        assert measure(left, right) >= exact_match(left, right) * bool(normalize_answer(left))
    bags = [sorted(normalize_answer(text).split()) for text in (left, right)]
    assert (f1_or_null(left, right) == 1.0) == (bags[0] == bags[1])


def test_f1_counts_repeated_words() -> None:
    assert f1("blue blue", "blue") == pytest.approx(2 / 3)
    assert f1("blue blue", "blue blue red") == pytest.approx(0.8)


def test_two_texts_without_words_agree_in_v2_only() -> None:
    assert (f1("the", ""), f1_or_null("the", "")) == (0.0, 1.0)


def test_the_best_gold_answer_counts_and_missing_predictions_score_0() -> None:
    golds = {"q1": ["the Rhine", "river Rhine"], "q2": ["Elbe"]}
    assert squad_v1(golds, {"q1": "Rhine river", "other": "Elbe"}) == {
        "exact_match": 0.0,
        "f1": 50.0,
    }
    scores = squad_v2({**golds, "q3": []}, {"q1": "Rhine"})
    assert (scores["exact"], scores["total"], scores["NoAns_exact"]) == (100 / 3, 3, 0.0)


def test_any_alias_of_a_closed_book_question_counts() -> None:
    golds = {"q1": ["Jamaican English", "Jamaican Creole"], "q2": ["the 1912"], "q3": ["Elbe"]}
    said = {"q1": "jamaican creole!", "q2": "in 1912", "other": "Elbe"}
    assert any_alias(golds, said) == {
        "exact_match": pytest.approx(100 / 3),
        "f1": pytest.approx((1 + 2 / 3) * 100 / 3),
    }


def test_trivia_qa_puts_spaces_for_punctuation() -> None:
    assert normalize_trivia_qa("The ‘AC/DC’_band`s") == "ac dc band s"
    golds, said = {"q": ["AC/DC"]}, {"q": "ac dc"}
    assert any_alias(golds, said)["exact_match"] == 0.0
    assert any_alias(golds, said, normalize_trivia_qa) == {"exact_match": 100.0, "f1": 100.0}


def test_a_question_without_an_alias_cannot_be_scored() -> None:
    with pytest.raises(UserError, match="'q' has no gold answer to score against"):
        any_alias({"q": []}, {"q": ""})
    with pytest.raises(UserError, match="no question"):
        any_alias({}, {})


def test_kinds_that_do_not_occur_have_no_scores() -> None:
    assert set(squad_v2({"q": []}, {"q": ""})) == {"exact", "f1", "total"} | {
        "NoAns_exact",
        "NoAns_f1",
        "NoAns_total",
    }


def test_what_cannot_be_scored_is_reported() -> None:
    with pytest.raises(UserError, match="no question"):
        squad_v1({}, {})
    with pytest.raises(UserError, match=r"'q' has no gold answer.*squad_v2"):
        squad_v1({"q": []}, {"q": ""})
    with pytest.raises(UserError, match=r"'q' has a prediction but no .*probability"):
        squad_v2({"q": ["a b"]}, {"q": "b"}, {})


cases = st.lists(
    st.tuples(
        st.sampled_from([[], ["Rhine"]]),
        st.sampled_from(["", "Rhine", "Elbe"]),
        st.integers(0, 20).map(lambda twentieths: twentieths / 20),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda case: case[2],
)


@settings(deadline=None)
@given(cases)
def test_the_best_threshold_is_the_best_of_all_thresholds(
    asked: list[tuple[list[str], str, float]],
) -> None:
    golds = {str(n): case[0] for n, case in enumerate(asked)}
    predictions = {str(n): case[1] for n, case in enumerate(asked)}
    probabilities = {str(n): case[2] for n, case in enumerate(asked)}
    scores = squad_v2(golds, predictions, probabilities)

    def withdrawn_above(threshold: float) -> float:
        kept = {k: p if probabilities[k] <= threshold else "" for k, p in predictions.items()}
        return squad_v2(golds, kept)["exact"]

    best = max(withdrawn_above(threshold) for threshold in [-1.0, *probabilities.values()])
    assert scores["best_exact"] == pytest.approx(best)
    if scores["best_exact"] > withdrawn_above(-1.0):
        assert withdrawn_above(scores["best_exact_thresh"]) == pytest.approx(best)
