"""Typed examples, and sequences of them with a fingerprint.

Offsets count characters as Python does: `context[start:start + len(text)]`. By the
fingerprint a resumed run knows that its data is the same.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeVar, final

from headwater.errors import counted
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
    `unplaced` are answers whose place in the context is not known: they are right all the same.
    """

    id: str
    question: str
    context: str
    answers: tuple[AnswerSpan, ...]
    impossible: bool = False
    article: str = ""
    unplaced: tuple[str, ...] = field(default=(), repr=False)

    @property
    def golds(self) -> tuple[str, ...]:
        """All answers that count as right."""
        return (*(answer.text for answer in self.answers), *self.unplaced)

    @property
    def passage(self) -> str:
        """What must not stand on both sides of a split."""
        return self.context

    @property
    def agreed_answer(self) -> AnswerSpan:
        """The answer closest to what the others say (mean F1), the first of equals: to train on."""
        texts = [answer.text for answer in self.answers]
        return max(self.answers, key=lambda one: sum(f1(one.text, text) for text in texts))


@dataclass(frozen=True, slots=True)
class PairExample:
    """A text or a pair of texts, to be given a class (`label`) or a number (`score`).

    Without either, it is one to predict. `parts` are the named fields of the task's template, in
    its order, of which `text_a` and `text_b` are what an encoder reads.
    """

    id: str
    text_a: str
    text_b: str | None = None
    label: str | None = None
    score: float | None = None
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def passage(self) -> str:
        return self.text_a if self.text_b is None else f"{self.text_a} {self.text_b}"


@dataclass(frozen=True, slots=True)
class TaggingExample:
    """A sentence, with a tag such as `B-person` for each word; None where they are unknown."""

    id: str
    words: tuple[str, ...]
    tags: tuple[str, ...] | None = None

    @property
    def passage(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class TextExample:
    """Text in, text out. Training uses the first target; scoring may use them all.

    Without targets, it is one to predict.
    """

    id: str
    inputs: str
    targets: tuple[str, ...]

    @property
    def passage(self) -> str:
        return self.inputs


@dataclass(frozen=True, slots=True)
class RetrievalExample:
    """A question with the passage that answers it; without one (""), it is one to predict.

    `negatives` are passages that look like an answer, and hold none: hard negatives.
    """

    id: str
    question: str
    passage: str
    negatives: tuple[str, ...] = ()


Example = PairExample | RetrievalExample | SpanExample | TaggingExample | TextExample
E_co = TypeVar("E_co", bound=Example, covariant=True)


class DataSource(Protocol[E_co]):
    """A sequence of examples that knows its length and its content's fingerprint."""

    @property
    def fingerprint(self) -> str:
        """A digest that differs whenever an example differs."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> E_co: ...

    def __iter__(self) -> Iterator[E_co]: ...


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What a reader found amiss: one line each, with file and id.

    repaired: offsets that were mended.
    left_out: examples that are not there, such as rows cut short.
    untrained: what counts in scores, but cannot be trained on.
    refused: what no training file may hold; scores follow the official scripts in it.
    """

    repaired: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    untrained: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def summary(self) -> str:
        """One line for the log, empty when there is nothing to say."""
        parts = []
        if self.repaired:
            parts.append(f"{counted(len(self.repaired), 'answer offset')} repaired")
        if self.left_out:
            count = counted(len(self.left_out), "example")
            parts.append(f"{count} dropped, the first: {self.left_out[0]}")
        return "; ".join(parts)


@final
class Examples(DataSource[E_co]):
    """Examples in memory."""

    def __init__(self, examples: Sequence[E_co], report: ReadReport | None = None) -> None:
        self._examples = tuple(examples)
        self.report = report or ReadReport()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over every field of every example."""
        digest = hashlib.sha256()
        for example in self._examples:
            digest.update(repr(example).encode("utf-8", "backslashreplace"))
            if isinstance(example, SpanExample) and example.unplaced:  # version 0.1 had none
                digest.update(repr(example.unplaced).encode("utf-8", "backslashreplace"))
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> E_co:
        return self._examples[index]

    def __iter__(self) -> Iterator[E_co]:
        return iter(self._examples)


def texts_of(example: Example) -> dict[str, str]:
    """Return what a model reads of an example, by the name of its field; no labels or answers."""
    match example:
        case SpanExample():
            return {"question": example.question, "context": example.context}
        case RetrievalExample():
            return {"question": example.question, "passage": example.passage}
        case TaggingExample():
            return {"words": " ".join(example.words)}
        case TextExample():
            return {"inputs": example.inputs}
        case PairExample():
            both = {"text_a": example.text_a, "text_b": example.text_b}
            return {name: text for name, text in both.items() if text is not None}
