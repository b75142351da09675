"""Asking an index: passages are found, the best are read, and answers get their places.

Passages with the same text, as in two copies of a file, are read once, and each is cited. A passage
is read below its headings: what it is about is often said there only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from headwater.documents.hit import Hit
from headwater.documents.reply import Citation, IndexAnswer, Reply
from headwater.inference.answer import Answer
from headwater.inference.passage_reader import PassageReader

NEAREST = 3
"""Passages that are shown where the documents do not say."""

_ABOVE = 300  # characters of headings at most


@dataclass(frozen=True, slots=True)
class Asking:
    """How an index is asked.

    retrieve: passages that are searched for.
    read: of these, those with the most promising texts that are read.
    rank_weight: how much the search's order counts (`passage_reader.RANK_WEIGHT`); None: as usual.
    no_answer_threshold: how far "no answer" must be ahead to win; None: that of the model.
    """

    retrieve: int = 50
    read: int = 5
    rank_weight: float | None = None
    no_answer_threshold: float | None = None

    @property
    def searched(self) -> int:
        """Passages that are searched for: at least as many as are read."""
        return max(self.retrieve, self.read)


def answered(
    question: str, hits: Sequence[Hit], reader: PassageReader, read: int, top_k: int
) -> Reply:
    """Answer a question from the passages that were found, the best first."""
    groups = most_promising(hits, read)
    if not groups:
        return Reply(question, True, 1.0, ())
    first = [same[0] for same in groups]
    answers = reader(question, [hit.text for hit in first], top_k, list(map(above, first)))
    none = next((answer for answer in answers if answer.no_answer), None)
    found = tuple(
        IndexAnswer(answer.text, answer.score, tuple(_citations(question, answer, groups)))
        for answer in answers
        if not answer.no_answer
    )
    if none is None:
        return Reply(question, False, found[0].score, found)
    return Reply(question, True, none.score, found, tuple(hits[:NEAREST]))


def most_promising(hits: Sequence[Hit], read: int) -> list[list[Hit]]:
    """Return the first of the different texts that were found, each with all its passages."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.text, []).append(hit)
    return list(islice(groups.values(), read))


def above(hit: Hit) -> str:
    """Return the headings that a passage is read below, the nearest ones if they are long."""
    return " > ".join(hit.headings)[-_ABOVE:]


def _citations(question: str, answer: Answer, groups: Sequence[list[Hit]]) -> Iterator[Citation]:
    """Yield the places of an answer, or the sentence nearest to one that stands nowhere."""
    for place in answer.places:
        same = groups[int(place.source or 0)]
        for hit in same:
            quote = hit.quote(place.start, place.end)
            begin = place.sentence_start
            evidence = hit.quote(begin, begin + len(place.sentence))
            score = place.score / len(same)
            yield Citation(hit.file, hit.title, hit.headings, quote, evidence, score)
    if not answer.places:
        hit = groups[int(answer.source or 0)][0]
        nearest = hit.nearest(f"{question} {answer.text}")
        yield Citation(hit.file, hit.title, hit.headings, nearest, nearest, answer.score)
