"""What a model returns: answers with their position and evidence, decisions. Free of torch.

An answer's text is `context[start:end]`, and begins at `start - sentence_start` in `sentence`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self, TypeVar

from headwater.data.example import SpanExample
from headwater.text.sentences import sentence_around

E_contra = TypeVar("E_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the text of an answer stands.

    start, end: offsets; `context[start:end]` is the text.
    sentence: the sentence around it.
    sentence_start: the offset where the sentence begins.
    source: the name of the document, where there are several or the one has a name.
    score: its part of the answer's score.
    """

    start: int
    end: int
    sentence: str
    sentence_start: int
    source: str | None
    score: float

    @classmethod
    def around(
        cls, text: str, start: int, end: int, score: float, source: str | None, offset: int = 0
    ) -> Self:
        """Make the place `context[start:end]`; `text` is the context from `offset` on."""
        low, high = sentence_around(text, start - offset, end - offset)
        return cls(start, end, text[low:high], low + offset, source, score)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, or that there is none.

    text: the answer; "" when `no_answer`.
    score: its probability among the answers compared, 0 to 1: the sum of those of its places.
    start, end: offsets; `context[start:end]` is the text. None for generated text.
    sentence: the sentence around it.
    sentence_start: the offset where the sentence begins.
    source: the name of the document, where there are several or the one has a name.
    no_answer: the model finds that the text does not answer the question.
    places: all places of the text that were compared, the likeliest first, which is also given
        above. Of generated text those where it stands in a passage that a search found.
    """

    text: str
    score: float
    start: int | None = None
    end: int | None = None
    sentence: str = ""
    sentence_start: int | None = None
    source: str | None = None
    no_answer: bool = False
    places: tuple[Place, ...] = ()

    @classmethod
    def from_places(cls, places: Sequence[Place], score: float) -> Self:
        """Make an answer from the places of its text, the likeliest first."""
        best = places[0]
        start, end, first = best.start, best.end, best.sentence_start
        text = best.sentence[start - first : end - first]
        around = (best.sentence, first, best.source)
        return cls(text, score, start, end, *around, places=tuple(places))

    @classmethod
    def none(cls, score: float) -> Self:
        """Make the answer that there is none, with that probability."""
        return cls("", score, no_answer=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)


def sigmoid(logit: float) -> float:
    """Return 1 / (1 + exp(-logit)) for any number: the probability that a logit stands for."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    odds = math.exp(logit)
    return odds / (1.0 + odds)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model predicts for one example of a question.

    answers: the best first, at least one; the first may be that there is none.
    best_span: the best text when an answer must be given, "" when there is none to give.
    no_answer_margin: how far "no answer" is ahead of the best span in logits, before any
        threshold; +inf when the text holds no span. None for generated answers.
    no_answer_probability: 0.5 exactly at the threshold; None where "no answer" is no candidate.
    """

    id: str
    answers: tuple[Answer, ...]
    best_span: str
    no_answer_margin: float | None = None
    no_answer_probability: float | None = None

    @property
    def text(self) -> str:
        """The first answer's text, "" for no answer."""
        return self.answers[0].text


@dataclass(frozen=True, slots=True)
class Decision:
    """What a model predicts for one example of any other task.

    text: a label, a number, the tags of the words, or generated text.
    probabilities: of each of the model's labels in the order of its outputs, where a label was
        chosen; of each word's tag; empty otherwise.
    """

    id: str
    text: str
    probabilities: tuple[float, ...] = ()


class Predicted(Protocol):
    """A prediction of whatever kind: the text that is scored, and the example it is for."""

    @property
    def id(self) -> str: ...

    @property
    def text(self) -> str: ...


class Predictor(Protocol[E_contra]):
    """Predicts examples as they come, in their order, in memory that does not grow with them."""

    def __call__(self, examples: Iterable[E_contra], /) -> Iterator[Predicted]: ...


class Reader(Protocol):
    """What answers questions: with a part of a text, by writing, or by going on with a prompt."""

    def ask(
        self, question: str, contexts: Mapping[str, str] | str | None, top_k: int = 1, /
    ) -> list[Answer]:
        """Answer one question from a text, from several by name, or without any."""
        ...

    def predict(self, examples: Iterable[SpanExample], top_k: int = 1, /) -> Iterator[Prediction]:
        """Yield one prediction with up to `top_k` answers per example, in order."""
        ...

    def unread(self, question: str, /) -> int:
        """Return how many tokens at the end of a question are too many, and not read."""
        ...
