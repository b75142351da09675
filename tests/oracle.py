"""A writer and a reader that know everything, so that what is kept is known, too."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from headwater.data.example import AnswerSpan, SpanExample
from headwater.inference.answer import Answer


class Oracle:
    """Writes a question of its own for each place; answers it with that place.

    `spoil` may change a question, `miss` an answer.
    """

    def __init__(self) -> None:
        self.written = 0
        self.spoil: Callable[[str], str] = lambda question: question
        self.miss: Callable[[Answer], Answer] = lambda answer: answer
        self._asked: dict[tuple[str, str], AnswerSpan] = {}

    def write(self, examples: Iterable[SpanExample]) -> Iterator[str]:
        for example in examples:
            self.written += 1
            answer = example.answers[0]
            key = hashlib.sha256(f"{answer.start} {example.context}".encode()).hexdigest()
            words = " ".join(f"w{key[at : at + 5]}" for at in range(0, 40, 5))
            question = self.spoil(f"What is {words}?")
            self._asked[question, example.context] = answer
            yield question

    def answer(self, pairs: Sequence[tuple[str, str]]) -> list[list[Answer]]:
        found = (self._asked[pair] for pair in pairs)
        return [[self.miss(Answer(each.text, 0.9, each.start, each.end))] for each in found]
