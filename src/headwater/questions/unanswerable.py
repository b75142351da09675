"""The kept questions again where they have no answer, as SQuAD 2.0 has such questions.

sentence removed    on its passage without the sentence of the answer, which stands nowhere else
near passage        on the passage that shares most rare words with it, and lacks the answer
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, final

import numpy as np

from headwater.data.overlap import WORD
from headwater.questions.config import QuestionConfig
from headwater.questions.passages import Passage
from headwater.questions.round_trip import Question
from headwater.text.sentences import sentence_around

_COMMON = 0.02  # of all passages: words in more of them tell passages little apart
_LOOKED_AT = 20  # of the nearest passages
_LEAST = 60  # characters that are left of a passage


class Unanswerable(NamedTuple):
    """A question, and the text that does not answer it; `passage` is where that is from."""

    id: str
    question: str
    passage: Passage
    text: str


def unanswerable(
    questions: Sequence[Question], passages: Sequence[Passage], config: QuestionConfig
) -> Iterator[Unanswerable]:
    """Yield as many as `config` asks for, if there are, of questions that its seed draws."""
    generator = np.random.Generator(np.random.Philox(config.seed))
    drawn = [questions[index] for index in generator.permutation(len(questions))]
    removed = round(config.sentence_removed * len(questions))
    near = round(config.near_passage * len(questions))
    yield from islice(_removed(drawn), removed)
    if near:
        yield from islice(_near(reversed(drawn), Nearest(passages)), near)


def _removed(questions: Iterable[Question]) -> Iterator[Unanswerable]:
    for each in questions:
        if text := without_sentence(each):
            yield Unanswerable(f"{each.id}-removed", each.question, each.passage, text)


def _near(questions: Iterable[Question], nearest: "Nearest") -> Iterator[Unanswerable]:
    for each in questions:
        if (other := nearest.find(each)) is not None:
            yield Unanswerable(f"{each.id}-near", each.question, other, other.text)


def without_sentence(question: Question) -> str | None:
    """Return the passage without its answer's sentence; None where too little is left, or where
    the answer stands elsewhere, too.
    """
    text, answer = question.passage.text, question.answer
    start, end = sentence_around(text, answer.start, answer.end)
    rest = f"{text[:start]}{text[end:].lstrip()}".strip()
    if len(rest) < _LEAST or answer.text.lower() in rest.lower():
        return None
    return rest


@final
class Nearest:
    """Finds passages by the rare words that they share with a question."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        holding: defaultdict[str, list[int]] = defaultdict(list)
        for index, passage in enumerate(passages):
            for word in set(WORD.findall(passage.text.lower())):
                holding[word].append(index)
        most = max(2.0, _COMMON * len(passages))
        self._holding = {word: each for word, each in holding.items() if len(each) <= most}

    def find(self, question: Question) -> Passage | None:
        """Return the nearest passage that lacks the answer, if any shares a rare word."""
        likeness: defaultdict[int, float] = defaultdict(float)
        for word in sorted(set(WORD.findall(question.question.lower()))):
            holding = self._holding.get(word, ())
            for index in holding:
                likeness[index] += math.log(len(self._passages) / len(holding))
        answer = question.answer.text.lower()
        for index in sorted(likeness, key=lambda each: (-likeness[each], each))[:_LOOKED_AT]:
            passage = self._passages[index]
            if passage.text != question.passage.text and answer not in passage.text.lower():
                return passage
        return None
