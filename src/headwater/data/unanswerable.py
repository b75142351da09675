"""Questions without an answer, made by asking questions of paragraphs that do not answer them.

SQuAD 2.0 (Rajpurkar et al. 2018) had people write such questions; where only answerable ones are at
hand, a question is paired with another paragraph. Half of the pairs take a near paragraph (the one
of the same article, or else of a random handful, that shares most rare words with the question),
half a random one of the same pool: the near ones teach reading, the far ones teach topic.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from headwater.data.example import SpanExample
from headwater.data.overlap import WORD

POOL = 64  # paragraphs looked at for one question


def add_unanswerable(examples: Sequence[SpanExample], share: float, seed: int) -> list[SpanExample]:
    """Append about `share` x len(examples) unanswerable questions; a function of the seed alone.

    A paragraph that holds one of the question's answers is never used for it.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    paragraphs = _Paragraphs(examples)
    answerable = [example for example in examples if example.answers]
    chosen = generator.permutation(len(answerable))[: round(share * len(examples))]
    made = []
    for turn, index in enumerate(chosen):
        example = answerable[index]
        context = paragraphs.other(example, near=turn % 2 == 0, generator=generator)
        if context is not None:
            key = f"{example.id}-unanswerable"
            made.append(replace(example, id=key, context=context, answers=(), impossible=True))
    return [*examples, *made]


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
        answers = [answer.text.lower() for answer in example.answers]
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
        asked = set(WORD.findall(example.question.lower()))
        return self.texts[max(usable, key=lambda index: self._likeness(asked, index))]

    def _likeness(self, asked: set[str], index: int) -> float:
        return math.fsum(self.rarity[word] for word in asked & self.words[index])
