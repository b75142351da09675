"""Questions without an answer, made from questions that have one.

SQuAD 2.0 (Rajpurkar et al. 2018) had people write such questions. Where only answerable ones are at
hand, they are made in turn in three ways, from hard to easy: the question is altered so that its
own paragraph no longer answers it (a name or number exchanged for one of another question of the
article, which the paragraph lacks, or a word for its opposite: the "entity swap" and "antonym" of
that paper's table 1); it is asked of a near paragraph (the one of the same article, or else of a
random handful, that shares most rare words with it); it is asked of a random one of the same pool.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache

import numpy as np

from headwater.data.example import SpanExample
from headwater.data.overlap import WORD

POOL = 64  # paragraphs looked at for one question

# A name inside the question (its first word is no name), or a number.
_NAME = re.compile(r"(?<=[^.?!] )[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*")
_NUMBER = re.compile(r"(?<!\w)\d[\d,.]*\d|(?<!\w)\d")
_PAIRS = """
    first last, most least, more less, largest smallest, larger smaller, highest lowest,
    higher lower, before after, oldest youngest, best worst, longest shortest, early late,
    earliest latest, north south, northern southern, east west, eastern western, increase decrease,
    increased decreased, began ended, begin end, win lose, won lost, born killed, major minor,
    male female, public private, internal external, legal illegal, positive negative, strong weak
"""


@cache
def _opposites() -> dict[str, str]:
    pairs = (pair.split() for pair in _PAIRS.split(","))
    return dict(both for one, other in pairs for both in ((one, other), (other, one)))


def add_unanswerable(examples: Sequence[SpanExample], share: float, seed: int) -> list[SpanExample]:
    """Append about `share` x len(examples) unanswerable questions; a function of the seed alone.

    A paragraph that holds one of the question's answers is never used for another question.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    paragraphs = _Paragraphs(examples)
    answerable = [example for example in examples if example.answers]
    questions = defaultdict(list)
    for example in answerable:
        questions[example.article].append(example.question)
    chosen = generator.permutation(len(answerable))[: round(share * len(examples))]
    made = []
    for turn, index in enumerate(chosen):
        example = answerable[index]
        question, context = example.question, example.context
        altered = (
            _altered(example, questions[example.article], generator) if turn % 3 == 0 else None
        )
        if altered is not None:
            question = altered
        else:
            other = paragraphs.other(example, near=turn % 3 < 2, generator=generator)
            if other is None:
                continue
            context = other
        made.append(
            SpanExample(f"{example.id}-unanswerable", question, context, (), True, example.article)
        )
    return [*examples, *made]


def _altered(
    example: SpanExample, donors: Sequence[str], generator: np.random.Generator
) -> str | None:
    """Return the question with one word, name or number exchanged, or None where none can be."""
    question = example.question
    opposites = _opposites()
    opposable = list(re.finditer(rf"\b({'|'.join(opposites)})\b", question))
    if opposable and generator.random() < 0.5:
        match = opposable[generator.integers(len(opposable))]
        return question[: match.start()] + opposites[match[0]] + question[match.end() :]
    for pattern in (_NAME, _NUMBER) if generator.random() < 0.5 else (_NUMBER, _NAME):
        matches = list(pattern.finditer(question))
        if not matches:
            continue
        match = matches[generator.integers(len(matches))]
        for donor in generator.integers(len(donors), size=POOL).tolist():
            names: list[str] = pattern.findall(donors[donor])
            for found in names:
                if found not in question and found not in example.context:
                    return question[: match.start()] + found + question[match.end() :]
    return None


class _Paragraphs:
    """All paragraphs, by article, with their words."""

    def __init__(self, examples: Sequence[SpanExample]) -> None:
        self.texts = list(dict.fromkeys(example.context for example in examples))
        self.words = [set(WORD.findall(text.lower())) for text in self.texts]
        self.lowered = [text.lower() for text in self.texts]
        counts = Counter(word for words in self.words for word in words)
        self.rarity = {word: math.log(len(self.texts) / n) for word, n in counts.items()}
        index_of = {text: index for index, text in enumerate(self.texts)}
        self.by_article: dict[str, list[int]] = defaultdict(list)
        for article, text in dict.fromkeys((e.article, e.context) for e in examples):
            self.by_article[article].append(index_of[text])

    def other(
        self, example: SpanExample, *, near: bool, generator: np.random.Generator
    ) -> str | None:
        """Return a paragraph that does not answer the example's question, or None."""
        pool = self.by_article[example.article] if example.article else []
        if len(pool) < 2:
            pool = generator.integers(len(self.texts), size=POOL).tolist()
        answers = [text.lower() for text in example.golds]
        usable = [
            index
            for index in pool
            if self.texts[index] != example.context
            and not any(answer in self.lowered[index] for answer in answers)
        ]
        if not usable:
            return None
        if not near:
            return self.texts[usable[generator.integers(len(usable))]]
        words = set(WORD.findall(example.question.lower()))
        return self.texts[max(usable, key=lambda index: self._likeness(words, index))]

    def _likeness(self, words: set[str], index: int) -> float:
        return math.fsum(self.rarity[word] for word in words & self.words[index])
