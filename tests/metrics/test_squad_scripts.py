"""Scores of files equal those of the official scripts of SQuAD, whatever the files hold.

`v1_script` and `v2_script` do what evaluate-v1.1.py and evaluate-v2.0.py do, written anew from
their descriptions: they read `id` and the texts of `answers`, and nothing else of a question.
"""

import json
import re
import string
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from headwater.evaluation.scoring import score_file

FOXES = "The red fox saw the red hen. The red hen ran."
Questions = list[dict[str, Any]]


def words_of(text: str) -> list[str]:
    kept = "".join(each for each in text.lower() if each not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def overlap(gold: str, said: str, *, empty_agree: bool) -> float:
    one, other = words_of(gold), words_of(said)
    if empty_agree and not (one and other):
        return float(one == other)
    same = sum((Counter(one) & Counter(other)).values())
    if not same:
        return 0
    precision, recall = same / len(other), same / len(one)
    return 2 * precision * recall / (precision + recall)


def v1_script(questions: Questions, said: dict[str, str]) -> dict[str, float]:
    exact = together = 0.0
    for question in questions:
        if question["id"] in said:
            text = said[question["id"]]
            golds = [answer["text"] for answer in question["answers"]]
            exact += max(words_of(gold) == words_of(text) for gold in golds)
            together += max(overlap(gold, text, empty_agree=False) for gold in golds)
    total = len(questions)
    return {"exact_match": 100.0 * exact / total, "f1": 100.0 * together / total}


def v2_script(
    questions: Questions, said: dict[str, str], chances: dict[str, float] | None
) -> dict[str, float]:
    answerable = {each["id"]: bool(each["answers"]) for each in questions}
    raw: dict[str, dict[str, float]] = {"exact": {}, "f1": {}}
    for each in questions:
        name, golds = each["id"], [answer["text"] for answer in each["answers"]]
        golds = [gold for gold in golds if words_of(gold)] or [""]
        raw["exact"][name] = max(float(words_of(g) == words_of(said[name])) for g in golds)
        raw["f1"][name] = max(overlap(g, said[name], empty_agree=True) for g in golds)
    kept = {
        metric: {
            name: float(not answerable[name]) if (chances or {}).get(name, 0.0) > 1.0 else score
            for name, score in scores.items()
        }
        for metric, scores in raw.items()
    }
    found: dict[str, float] = {}
    groups = {
        "": list(answerable),
        "HasAns_": [name for name in answerable if answerable[name]],
        "NoAns_": [name for name in answerable if not answerable[name]],
    }
    for prefix, names in groups.items():
        if names:
            for metric in kept:
                found[prefix + metric] = 100.0 * sum(kept[metric][n] for n in names) / len(names)
            found[prefix + "total"] = len(names)
    for metric in raw if chances is not None else ():
        best = current = float(len(groups["NoAns_"]))
        threshold = 0.0
        for name in sorted(chances, key=lambda name: chances[name]):
            if name not in answerable:
                continue
            current += raw[metric][name] if answerable[name] else -bool(said[name])
            if current > best:
                best, threshold = current, chances[name]
        found[f"best_{metric}"] = 100.0 * best / len(answerable)
        found[f"best_{metric}_thresh"] = threshold
    return found


def ours(
    task: str, questions: Questions, said: dict[str, str], chances: dict[str, float] | None = None
) -> dict[str, float]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        tiny.squad_file(folder / "data.json", tiny.paragraph(FOXES, *questions))
        (folder / "said.json").write_text(json.dumps(said))
        if chances is not None:
            (folder / "chances.json").write_text(json.dumps(chances))
        return score_file(
            task,
            [folder / "data.json"],
            folder / "said.json",
            None if chances is None else folder / "chances.json",
        )


def asked(id: str, *golds: tuple[str, int], **more: Any) -> dict[str, Any]:
    answers = [{"text": text, "answer_start": start} for text, start in golds]
    return {"id": id, "question": "Who?", "answers": answers, **more}


def test_where_an_answer_begins_does_not_count() -> None:
    both = [asked("1", ("hen", 999), ("fox", 8))]
    assert ours("squad", both, {"1": "hen"}) == {"exact_match": 100.0, "f1": 100.0}
    nowhere = [asked("1", ("owl", 0)), asked("2", ("", 0)), asked("3", ("fox", 8), question=" ")]
    assert ours("squad", nowhere, {"1": "the owl"})["exact_match"] == pytest.approx(100 / 3)


def test_what_has_a_gold_answer_is_answerable() -> None:
    golds = [asked("1", ("The", 0)), asked("2", ("Denver", 0))]
    found = ours("squad_v2", golds, {"1": "The", "2": "Denver"}, {"1": 0.0, "2": 0.0})
    assert found["HasAns_total"] == 2 and not [name for name in found if "NoAns" in name]
    assert (found["best_exact"], found["best_exact_thresh"]) == (100.0, 0.0)


def test_plausible_answers_are_none() -> None:
    plausible = [{"text": "fox", "answer_start": 8}]
    one = [asked("1", is_impossible=True, plausible_answers=plausible)]
    assert ours("squad_v2", one, {"1": ""})["NoAns_exact"] == 100.0
    assert ours("squad_v2", one, {"1": "fox"})["NoAns_exact"] == 0.0


def test_an_id_that_repeats() -> None:
    """v1.1 scores each question by the one prediction, v2.0 the last question alone."""
    twice = [asked("1", ("fox", 8)), asked("2", ("fox", 8)), asked("1", ("hen", 24))]
    said = {"1": "fox", "2": "fox"}
    assert ours("squad", twice, said)["exact_match"] == pytest.approx(200 / 3)
    assert ours("squad_v2", twice, said)["exact"] == 50.0


def test_ids_and_answers_that_are_whole_numbers() -> None:
    """A published set has such ids; its predictions are keyed by texts, as JSON's keys are."""
    questions = [asked(262, (1912, 3), ("fox", 8)), asked(276, ("hen", 24))]
    assert ours("squad", questions, {"262": "1912", "276": "fox"})["exact_match"] == 50.0


texts = st.sampled_from(["The", "Denver", "an", "...", "", "the red, fox", "fox", "red  hen!", "É"])
answers = st.lists(st.tuples(texts, st.sampled_from([0, 8, 24, 999, -1])), max_size=3)
odds = st.sampled_from([-2, 0.0, 0.25, 0.5, 1, 1.5, 7])
cases = st.lists(
    st.tuples(st.sampled_from("abcdef"), answers, st.booleans(), texts, odds),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=200)
@given(cases, st.booleans())
def test_any_file_scores_as_by_the_script_of_v2(cases: list[Any], with_chances: bool) -> None:
    questions = [asked(name, *golds, is_impossible=flag) for name, golds, flag, *_ in cases]
    said = {name: text for name, _, _, text, _ in cases} | {"other": "x"}
    chances = {name: chance for name, _, _, _, chance in cases} | {"other": 0.1}
    given_chances = chances if with_chances else None
    found = ours("squad_v2", questions, said, given_chances)
    assert found == pytest.approx(v2_script(questions, said, given_chances), rel=0, abs=1e-9)


@settings(deadline=None, max_examples=200)
@given(cases, st.sets(st.sampled_from("abcdef")))
def test_any_file_scores_as_by_the_script_of_v1(cases: list[Any], missing: set[str]) -> None:
    questions = [asked(name, *golds or [("fox", 8)]) for name, golds, *_ in cases]
    said = {name: text for name, _, _, text, _ in cases if name not in missing} | {"other": "x"}
    found = ours("squad", questions, said)
    assert found == pytest.approx(v1_script(questions, said), rel=0, abs=1e-9)


def test_the_scripts_here_give_the_golden_scores(shared: Path) -> None:
    def load(path: str) -> Any:
        return json.loads((shared / path).read_text(encoding="utf-8"))

    def questions(path: str) -> Questions:
        articles = load(path)["data"]
        return [q for each in articles for part in each["paragraphs"] for q in part["qas"]]

    found = v1_script(
        questions("data/qa/squad_v1.1/dev-v1.1.json"), load("golden/squad_v1.1.predictions.json")
    )
    assert found == pytest.approx(load("golden/squad_v1.1.scores.json"), rel=0, abs=1e-9)
    found = v2_script(
        questions("data/qa/squad_v2.0/dev-v2.0.first12articles.json"),
        load("golden/squad_v2.0.predictions.json"),
        load("golden/squad_v2.0.no_answer_probabilities.json"),
    )
    assert found == pytest.approx(load("golden/squad_v2.0.scores.json"), rel=0, abs=1e-9)
