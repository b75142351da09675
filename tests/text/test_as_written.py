"""Letters, case and spaces come back as they stand in the text that was read."""

import doctest
from pathlib import Path

import pytest

from headwater.checkpoints.hub import BUNDLED
from headwater.data.example import SpanExample
from headwater.data.span_files import read_squad
from headwater.metrics.qa import exact_match
from headwater.tasks.squad import SQUAD_V1
from headwater.text import as_written as module
from headwater.text import wordpiece_spaces
from headwater.text.as_written import as_written, recased
from headwater.text.loading import load_vocabulary
from headwater.text.wordpiece_spaces import joined

CONTEXT = "The U.S. paid $5.50, not 10,000 francs, in Saint-Denis; Zoë's café and Zoe\u0308 agreed."


def test_the_examples_hold() -> None:
    assert doctest.testmod(module).failed == doctest.testmod(wordpiece_spaces).failed == 0


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("u . s .", "U.S."),
        ("$ 5 . 50", "$5.50"),
        ("10 , 000", "10,000"),
        ("10, 000 francs", "10,000 francs"),
        ("saint - denis", "Saint-Denis"),
        ("zoe ' s cafe", "Zoë's café"),
        ("zoe agreed", "Zoe\u0308 agreed"),
        ("aid", "aid"),  # part of a word
        ("5 . 5", "5 . 5"),
        ("the moon", "the moon"),
        ("", ""),
    ],
)
def test_an_answer_is_as_it_stands_in_the_context(written: str, answer: str) -> None:
    assert as_written(written, CONTEXT) == answer
    assert SQUAD_V1.from_text(SpanExample("q", "?", CONTEXT, ()), written) == answer


def test_what_has_capitals_is_left_as_it_is() -> None:
    assert recased("Who is zoe?", CONTEXT) == "Who is zoe?"
    assert recased("who is zoe?", "") == "Who is zoe?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("who , in 1999 , 2000 ?", "who, in 1999, 2000?"),
        ("1 , 234 , 567 , and 12", "1,234,567, and 12"),
        ("what ' s \" new york \" ' s name ?", "what's \"new york\"'s name?"),
    ],
)
def test_spaces_are_those_of_english(text: str, expected: str) -> None:
    assert joined(text) == expected


def test_no_answer_of_squad_is_lost_by_the_vocabulary(shared: Path) -> None:
    vocabulary = load_vocabulary(BUNDLED["reader"])
    examples = read_squad([shared / "data/qa/squad_v1.1/dev-v1.1.json"])[:2000]
    answers = [example.answers[0].text for example in examples]
    written = [joined(vocabulary.decode(e.ids.tolist())) for e in vocabulary.encode_batch(answers)]
    lost = [
        (answer, found)
        for example, answer, text in zip(examples, answers, written, strict=True)
        if not exact_match(found := as_written(text, example.context), answer)
    ]
    assert len(lost) < 1, lost
