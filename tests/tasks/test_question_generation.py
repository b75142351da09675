"""Questions for answers: what a model reads of a context, and what counts."""

import doctest
from pathlib import Path

import pytest

import tiny
from headwater.data.example import AnswerSpan
from headwater.errors import UserError
from headwater.tasks import question_generation as module
from headwater.tasks.question_generation import QUESTION_GENERATION, around

LONG = "Sentence {} is here to be long enough. "


def test_the_examples_hold() -> None:
    assert doctest.testmod(module).failed == 0


def test_an_answer_at_the_end_of_a_long_context_is_read() -> None:
    context = "".join(LONG.format(n) for n in range(100)) + "The mill burned in 1912."
    answer = AnswerSpan("1912", context.index("1912"))
    found = around(context, answer, 200)
    assert found.endswith("The mill burned in 1912.")
    assert found.startswith("Sentence") and len(found) <= 250


def test_a_context_that_fits_is_read_whole() -> None:
    context = "The mill burned. It was 1912. Then it rained."
    assert around(context, AnswerSpan("1912", context.index("1912"))) == context


def test_sentences_that_repeat_the_answer_are_left_out() -> None:
    context = "In 1912 it stood. Then came rain. It burned in 1912. It is gone since 1912."
    second = AnswerSpan("1912", context.index("1912", 10))
    assert around(context, second) == "Then came rain. It burned in 1912."


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    context = " ".join(f"word{n}" for n in range(500))
    answer = AnswerSpan("word250", context.index("word250"))
    found = around(context, answer, 100)
    assert "word250" in found and len(found) <= 110
    assert set(found.split()) <= set(context.split())


def test_questions_without_an_answer_are_left_out(tmp_path: Path) -> None:
    text = "The mill burned in 1912."
    asked = tiny.question("q1", "When did it burn?", "1912", 19)
    file = tiny.squad_file(
        tmp_path / "a.json", tiny.paragraph(text, asked, tiny.unanswerable("q2", "Who?"))
    )
    examples = QUESTION_GENERATION.read([file])
    assert [each.id for each in examples] == ["q1"]
    read = QUESTION_GENERATION.to_text(examples[0])
    assert read.inputs == "answer: 1912 context: The mill burned in 1912."
    assert read.targets == ("When did it burn?",)
    written = QUESTION_GENERATION.from_text(examples[0], "when did the mill burn?")
    assert written == "When did the mill burn?"
    assert QUESTION_GENERATION.score(examples, {"q1": read.targets[0]})["rougeL"] == 100
    only = tiny.squad_file(tmp_path / "b.json", tiny.paragraph(text, tiny.unanswerable("q", "?")))
    with pytest.raises(UserError, match="no question has an answer"):
        QUESTION_GENERATION.read([only])
