"""What a good question is, by its text and by what a reader answers to it.

A question is kept if it breaks none of RULES, if a reader answers it with the answer that was asked
for, at the same place (Alberti et al. 2019, section 2), and if it was not asked before.
"""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import final

from headwater.data.example import AnswerSpan, SpanExample
from headwater.inference.answer import Answer
from headwater.metrics.qa import f1, normalize_answer

WORDS = (3, 30)  # of a question
_COPIED = 6  # the fewest words in a row that count as copied
_LIKE = 0.8  # F1 of two questions on one passage that count as the same

_ASKING = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how)\b", re.IGNORECASE)
_VERB = re.compile(
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)\b",
    re.IGNORECASE,
)
_NO_TEXT = re.compile(r"\[UNK\]|<unk>|<extra_id_\d+>|⁇|\ufffd")
_WORD = re.compile(r"\w+")


def _no_text(example: SpanExample) -> bool:
    begins = re.match("[\"'“‘]?[^\\W_]", example.question)
    return begins is None or _NO_TEXT.search(example.question) is not None


def _asks_nothing(example: SpanExample) -> bool:
    return not (_ASKING.search(example.question) or _VERB.match(example.question))


def _length(example: SpanExample) -> bool:
    return not WORDS[0] <= len(_WORD.findall(example.question)) <= WORDS[1]


def _repeats(example: SpanExample) -> bool:
    words = _words(example.question)
    threes = [*zip(words, words[1:], words[2:], strict=False)]
    twice = any(one == other for one, other in pairwise(words))
    return twice or len(set(threes)) < len(threes)


def _holds_answer(example: SpanExample) -> bool:
    return f" {normalize_answer(example.answers[0].text)} " in (
        f" {normalize_answer(example.question)} "
    )


def _copied(example: SpanExample) -> bool:
    """Tell whether all but two words at its beginning or end stand in the passage in a row."""
    words = _words(example.question)
    count = max(_COPIED, len(words) - 2)
    passage = f" {' '.join(_words(example.context))} "
    runs = (words[at : at + count] for at in range(len(words) - count + 1))
    return any(f" {' '.join(run)} " in passage for run in runs)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


RULES: Mapping[str, Callable[[SpanExample], bool]] = {
    "no question mark at its end": lambda example: not example.question.endswith("?"),
    "no plain text": _no_text,
    "no question word": _asks_nothing,
    "too short or too long": _length,
    "repeats itself": _repeats,
    "holds its answer": _holds_answer,
    "copied from the passage": _copied,
}
"""By reason: whether a question with its passage and answer breaks the rule."""

UNANSWERED, OTHER_ANSWER, OTHER_PLACE = "no answer found", "another answer", "another place"
ASKED_BEFORE, ASKED_ALIKE = "asked before", "much like another of its passage"

REASONS = (*RULES, UNANSWERED, OTHER_ANSWER, OTHER_PLACE, ASKED_BEFORE, ASKED_ALIKE)
"""Why questions are dropped, in the order in which it is looked at."""


def broken_rule(example: SpanExample) -> str | None:
    """Return the first rule that a question breaks."""
    return next((reason for reason, breaks in RULES.items() if breaks(example)), None)


def disagreement(answer: Answer, asked: AnswerSpan, min_f1: float) -> str | None:
    """Return how a reader's answer is not the one asked for, if it is not."""
    if answer.no_answer or answer.start is None or answer.end is None:
        return UNANSWERED
    if f1(answer.text, asked.text) < min_f1:
        return OTHER_ANSWER
    if answer.end <= asked.start or asked.end <= answer.start:
        return OTHER_PLACE
    return None


@final
class Asked:
    """The questions that were kept so far; nearly the same one is not asked again."""

    def __init__(self) -> None:
        self._all: set[str] = set()
        self._latest = ""
        self._of_passage: list[str] = []

    def repeats(self, question: str, passage: str) -> str | None:
        """Return in which way a question repeats another, if it does."""
        if normalize_answer(question) in self._all:
            return ASKED_BEFORE
        if passage == self._latest and any(f1(question, one) >= _LIKE for one in self._of_passage):
            return ASKED_ALIKE
        return None

    def add(self, question: str, passage: str) -> None:
        """Note a question that was kept; passages come one after the other."""
        self._all.add(normalize_answer(question))
        if passage != self._latest:
            self._latest, self._of_passage = passage, []
        self._of_passage.append(question)
