"""A hand-written text is put into the order of the template that the model was trained on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.data.example import PairExample
from headwater.tasks.field_order import reorder
from headwater.tasks.glue import GLUE, MNLI
from headwater.tasks.superglue import CHOICES

WORDS = st.text("abc .?", min_size=1).map(str.strip).filter(bool)


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        (
            "mnli premise: He is in Rome. hypothesis: He is in Italy.",
            "mnli hypothesis: He is in Italy. premise: He is in Rome.",
        ),
        ("rte sentence2: b sentence1: a", "rte sentence1: a sentence2: b"),
        ("rte premise: a hypothesis: b", "rte hypothesis: b premise: a"),
        (
            "copa premise: p question: cause choice1: a choice2: b",
            "copa choice1: a choice2: b premise: p question: cause",
        ),
        (
            "boolq question: q passage: The question: who? did it",
            "boolq passage: The question: who? did it question: q",
        ),
        (
            "record passage: A saw B. query: @placeholder ran. entities: A, B",
            "record query: @placeholder ran. entities: A, B passage: A saw B.",
        ),
        ("mnli  hypothesis:  a premise: b ", "mnli  hypothesis:  a premise: b "),
        ("mnli premise: only", "mnli premise: only"),
        ("mnlipremise: a hypothesis: b", "mnlipremise: a hypothesis: b"),
        ("summarize: premise: a hypothesis: b", "summarize: premise: a hypothesis: b"),
        ("", ""),
    ],
)
def test_known_texts(given_text: str, expected: str) -> None:
    assert reorder(given_text) == expected


@given(WORDS, WORDS)
def test_what_a_task_says_stays_and_its_other_order_becomes_it(first: str, second: str) -> None:
    parts = (("hypothesis", first), ("premise", second))
    said = MNLI.to_text(PairExample("0", second, first, parts=parts)).inputs
    assert reorder(said) == said
    assert reorder(f"mnli premise: {second} hypothesis: {first}") == said


@pytest.mark.parametrize("task", [*GLUE, *CHOICES], ids=lambda task: task.name)
def test_every_template_is_known_by_its_reversed_order(task: object) -> None:
    names = [field.name for field in task.fields]  # type: ignore[attr-defined]
    template = task.template  # type: ignore[attr-defined]
    texts = {name: f"text {index}" for index, name in enumerate(names)}
    said = [
        f"{template} " + " ".join(f"{name}: {texts[name]}" for name in order)
        for order in (names, names[::-1])
    ]
    assert [reorder(each) for each in said] == [said[0]] * 2
