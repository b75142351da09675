"""Each rule on questions with a passage of SQuAD's, and agreement with a reader."""

import pytest

from headwater.data.example import AnswerSpan, SpanExample
from headwater.inference.answer import Answer
from headwater.questions.rules import RULES, Asked, broken_rule, disagreement

PASSAGE = (
    "Architecturally, the school has a Catholic character. Atop the Main Building's gold dome is a "
    "golden statue of the Virgin Mary. Next to the Main Building is the Basilica of the Sacred "
    "Heart. It is a replica of the grotto at Lourdes, France."
)
ANSWER = AnswerSpan("Virgin Mary", PASSAGE.index("Virgin Mary"))

BROKEN = [
    ("What stands atop the gold dome", "no question mark at its end"),
    ("[UNK] what is on the dome?", "no plain text"),
    (", what is on the dome?", "no plain text"),
    ("?", "no plain text"),
    ("The statue on the golden dome?", "no question word"),
    ("What? ?", "too short or too long"),
    (f"What {'is it that they saw on top of ' * 4}it?", "too short or too long"),
    ("What is the the statue?", "repeats itself"),
    ("What is on the dome of the house on the dome of it?", "repeats itself"),
    ("Where is the statue of the virgin Mary?", "holds its answer"),
    ("What has Main Building's gold dome is a golden statue of the?", "copied from the passage"),
]
GOOD = [
    "What is atop the Main Building at Notre Dame?",
    "Is there a golden statue of a saint?",
    "the golden statue on the dome shows whom?",
    "“Who” stands on top of the dome?",
]


@pytest.mark.parametrize(("question", "reason"), BROKEN)
def test_a_broken_rule(question: str, reason: str) -> None:
    assert broken_rule(SpanExample("", question, PASSAGE, (ANSWER,))) == reason


@pytest.mark.parametrize("question", GOOD)
def test_a_good_question(question: str) -> None:
    assert broken_rule(SpanExample("", question, PASSAGE, (ANSWER,))) is None


def test_every_rule_has_its_case() -> None:
    assert {reason for _, reason in BROKEN} == set(RULES)


def test_agreement_of_reader_and_answer() -> None:
    start = ANSWER.start
    the_same = Answer("the Virgin Mary", 0.9, start - 4, ANSWER.end)
    part = Answer("Mary", 0.9, start + 7, ANSWER.end)
    assert disagreement(the_same, ANSWER, 1.0) is None
    assert disagreement(part, ANSWER, 1.0) == "another answer"
    assert disagreement(part, ANSWER, 0.6) is None
    assert disagreement(Answer("Virgin Mary", 0.9, 0, 11), ANSWER, 1.0) == "another place"
    assert disagreement(Answer.none(0.9), ANSWER, 0.1) == "no answer found"


def test_nearly_the_same_question_is_not_asked_again() -> None:
    asked = Asked()
    asked.add("What is on the gold dome of it?", "one")
    assert asked.repeats("what is on gold dome of it ?", "two") == "asked before"
    near = "What is on the gold dome of that?"
    assert asked.repeats(near, "one") == "much like another of its passage"
    assert asked.repeats(near, "two") is None
    assert asked.repeats("Who gave the statue?", "one") is None
