"""What in a passage may be an answer, and the draw of some."""

from pathlib import Path

import pytest

from headwater.data.span_files import read_squad
from headwater.questions.candidates import candidates, draw
from headwater.questions.config import KINDS

CASES = [
    ("name", "He met Ada Lovelace in Paris.", ["Ada Lovelace", "Paris"]),
    ("name", "The University of Notre Dame grew.", ["University of Notre Dame"]),
    ("name", "It was George W. Bush's plan.", ["George W. Bush"]),
    ("name", "Architecturally, it is plain.", []),
    ("date", "It fell on 4 May 1912, not in the 1840s.", ["4 May 1912", "1840s"]),
    ("date", "On July 4, 1776 it began; by 753 BC it was.", ["July 4, 1776", "753 BC"]),
    ("number", "It cost $3.5 million, or 12% of two houses.", ["$3.5 million", "12%", "two"]),
    ("number", "The twenty-first of 1,500 15-year-olds.", ["1,500"]),
    ("phrase", "They saw the old mill and heard a strange noise.", ["old mill", "strange noise"]),
    ("clause", "She left early, because the king was kind.", ["because the king was kind"]),
]


@pytest.mark.parametrize(("kind", "text", "expected"), CASES)
def test_kinds(kind: str, text: str, expected: list[str]) -> None:
    found = [text[each.start : each.end] for each in candidates(text, [kind])]
    assert [each for each in found if kind != "clause" or each in expected] == expected


def test_a_phrase_ends_before_a_verb() -> None:
    text = "then the peasant asked the old man took the ax ."
    found = [text[each.start : each.end] for each in candidates(text, ["phrase"])]
    assert found == ["peasant", "old man"]


def test_a_draw_spreads_over_kinds_and_sentences() -> None:
    text = "In 1900 Ann met Bob and Cyd and Dan. In 1950 he saw the old mill. It had two doors."
    drawn = draw(text, ["name", "date", "number", "phrase"], 4, 0)
    assert {each.kind for each in drawn} == {"name", "date", "number", "phrase"}
    assert draw(text, ["name"], 9, 0) == candidates(text, ["name"])
    assert draw(text, list(KINDS), 4, 0) == draw(text, list(KINDS), 4, 0)
    assert any(draw(text, list(KINDS), 3, 0) != draw(text, list(KINDS), 3, n) for n in range(5))


def test_drawn_answers_share_nothing_and_stand_in_the_passage(shared: Path) -> None:
    examples = read_squad([shared / "data/qa/squad_v1.1/dev-v1.1.json"])
    golds = found = 0
    for context in list(dict.fromkeys(example.context for example in examples))[:200]:
        drawn = draw(context, list(KINDS), 8, 0)
        ends = [each.end for each in drawn]
        assert all(end <= each.start for end, each in zip(ends, drawn[1:], strict=False))
        texts = [context[each.start : each.end] for each in drawn]
        assert len({text.lower() for text in texts}) == len(texts)
        assert all(text == text.strip() and text for text in texts)
    for example in list(examples)[:2000]:
        golds += 1
        spans = {(each.start, each.end) for each in candidates(example.context, list(KINDS))}
        found += any((answer.start, answer.end) in spans for answer in example.answers)
    assert found / golds > 0.3  # answers of people are often among them
