"""Typed records: what a data source yields and what tasks turn into model inputs.

Positions are character positions as Python counts them: `context[start:start + len(text)]`.
"""

from dataclasses import dataclass

from headwater.metrics.qa import f1


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """An answer that stands word for word in the context, from character `start` on."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The character after the answer's last."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class SpanExample:
    """A question on a context. `impossible` says that the context is known not to answer it.

    Without answers and not impossible, the question is one to predict: its answer is unknown.
    `article` is the title of the document that the context is a paragraph of, where it is known.
    """

    id: str
    question: str
    context: str
    answers: tuple[AnswerSpan, ...]
    impossible: bool = False
    article: str = ""

    @property
    def agreed_answer(self) -> AnswerSpan:
        """The answer closest to what the others say (mean F1), the first of equals: to train on.

        Raises:
            ValueError: there is no answer.
        """
        texts = [answer.text for answer in self.answers]
        return max(self.answers, key=lambda one: sum(f1(one.text, text) for text in texts))


@dataclass(frozen=True, slots=True)
class TextExample:
    """Text in, text out. Training uses the first target; scoring may use them all."""

    id: str
    inputs: str
    targets: tuple[str, ...]
