"""What asking an index gives: answers, each with every place where it stands. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater.documents.hit import Hit, Quote


@dataclass(frozen=True, slots=True)
class Citation:
    """A place of an answer.

    file: the path of the document.
    title: that of the document.
    headings: those that the answer stands under.
    quote: the answer as it stands in the file's extracted text, with its offsets and page; of a
        text that was written and stands nowhere, the sentence nearest to it.
    evidence: the sentence around the quote, likewise.
    score: its part of the answer's score.
    """

    file: str
    title: str
    headings: tuple[str, ...]
    quote: Quote
    evidence: Quote
    score: float

    @property
    def page(self) -> int | None:
        """The page on which the quote begins, from 1 on; None where there are no pages."""
        return self.quote.page

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        place = {"file": self.file, "title": self.title, "headings": list(self.headings)}
        quotes = {"quote": self.quote._asdict(), "evidence": self.evidence._asdict()}
        return place | {"page": self.page} | quotes | {"score": self.score}


@dataclass(frozen=True, slots=True)
class IndexAnswer:
    """An answer of documents.

    text: as it stands at its likeliest place, or as it was written.
    score: its probability among the answers compared, 0 to 1: the sum of those of its places.
    citations: its places, at least one, the likeliest first. Their quotes may differ in what does
        not change an answer, such as an article.
    """

    text: str
    score: float
    citations: tuple[Citation, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        citations = [each.to_dict() for each in self.citations]
        return {"text": self.text, "score": self.score, "citations": citations}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the documents of an index say to a question.

    question: what was asked.
    no_answer: they do not say.
    score: the probability of that, or of the first answer.
    answers: the best first. Where the documents do not say, those that were next to it.
    nearest: where they do not say, the passages that came nearest.
    """

    question: str
    no_answer: bool
    score: float
    answers: tuple[IndexAnswer, ...]
    nearest: Sequence[Hit] = ()

    @property
    def text(self) -> str:
        """The first answer's text; "" where the documents do not say."""
        return "" if self.no_answer else self.answers[0].text

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {
            "question": self.question,
            "text": self.text,
            "no_answer": self.no_answer,
            "score": self.score,
            "answers": [each.to_dict() for each in self.answers],
            "nearest": [hit.to_dict() for hit in self.nearest],
        }
