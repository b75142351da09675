"""Ranking what several texts answer to one question.

    ranking = Ranking(top_k=3, threshold=None)
    for name, context in documents.items():
        ranking.add(search.choice(), context, name)    # of a SpanSearch
    best, answers = ranking.answers()

The same text from several places is one answer. Its score is the sum of their probabilities: a
model spreads what it believes over all of them. The best answer is that with the highest score, and
its places are taken from the candidates; the next one shares no character with it, and so on. Then
come spans that are no candidates, but share no character with an answer.

A score is the probability of a text among the spans, times that of there being an answer at all,
which depends on how far the best span is ahead of "no answer".

Only the best KEPT candidates are held, each with the text around it and not with its document.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple, final

import numpy as np

from headwater.inference.answer import Answer, Place, sigmoid
from headwater.inference.temperatures import PLAIN, Temperatures
from headwater.tasks.spans import DisjointSpans, SpanCandidate, SpanChoice
from headwater.text.lines import REACH

KEPT = 1000
LEAST = 0.0005  # the lowest score of any answer but the first: less is shown as 0.000


def plain(text: str) -> str:
    """Return what two texts have in common that are one answer: all but white space and case."""
    return " ".join(text.split()).casefold()


class _Found(NamedTuple):
    """A span, what it is ranked by, and the text around it, which begins at `offset`."""

    rank: float
    document: int
    span: SpanCandidate
    around: str
    offset: int
    source: str | None

    def place(self, score: float) -> Place:
        """Return where the span stands."""
        start, end = self.span.start, self.span.end
        return Place.around(self.around, start, end, score, self.source, offset=self.offset)


@final
class Ranking:
    """The spans of all texts that one question was asked of.

    Args:
        top_k: how many answers are wanted.
        threshold: how far "no answer" must be ahead to win; None: it is no candidate.
        temperatures: of the probabilities.
        same: gives what two texts have in common that are one answer.
    """

    def __init__(
        self,
        top_k: int,
        threshold: float | None,
        temperatures: Temperatures = PLAIN,
        same: Callable[[str], str] = plain,
    ) -> None:
        self._top_k, self._threshold, self._same = top_k, threshold, same
        self._temperatures = temperatures
        self.margin = float("inf")
        """How far "no answer" is ahead of the best span, in the document where it is least."""
        self._total = -np.inf  # of the spans: the logarithm of the sum of exp(rank)
        self._documents = 0
        self._candidates: list[_Found] = []
        self._apart: list[_Found] = []

    def add(
        self, choice: SpanChoice, context: str, source: str | None = None, handicap: float = 0.0
    ) -> None:
        """Take the spans of the next document in.

        Args:
            handicap: what is taken from the score of each of them.
        """
        base = (choice.null_score if self._threshold is not None else 0.0) + handicap
        self.margin = min(self.margin, choice.no_answer_margin + handicap)

        def rank(span: SpanCandidate) -> float:
            return (span.score - base) / self._temperatures.spans

        self._total = np.logaddexp.reduce([self._total, *map(rank, choice.candidates)])
        for spans, kept in ((choice.candidates, self._candidates), (choice.apart, self._apart)):
            for span in spans:
                offset = max(0, span.start - 3 * REACH)
                around = context[offset : span.end + 3 * REACH]
                kept.append(_Found(rank(span), self._documents, span, around, offset, source))
            if len(kept) > 2 * KEPT + self._top_k:
                kept[:] = heapq.nsmallest(KEPT + self._top_k, kept, key=_order)
        self._documents += 1

    def __len__(self) -> int:
        """How many documents there were."""
        return self._documents

    def answers(self) -> tuple[str, list[Answer]]:
        """Return the best text when an answer must be given ("": there is none), and the answers.

        There are up to `top_k`, the best first; the first may be that there is none.
        """
        doubt = self.doubt
        total = float(self._total + np.logaddexp(0.0, doubt)) if self._candidates else 0.0
        found = self._ranked(total)
        best = found[0].text if found else ""
        if doubt > 0:
            found.insert(0, Answer.none(sigmoid(doubt)))
        return best, found[: self._top_k]

    @property
    def doubt(self) -> float:
        """The logit of there being no answer: above 0 it is said; -inf: there must be one."""
        if not self._candidates:
            return float("inf")
        if self._threshold is None:
            return float("-inf")
        return (self.margin - self._threshold) / self._temperatures.no_answer

    def _ranked(self, total: float) -> list[Answer]:
        taken: dict[int, DisjointSpans] = defaultdict(DisjointSpans)
        groups = self._groups(total, taken)
        texts = {self._same(group[0].span.text) for group in groups}
        for each in sorted(self._apart, key=_order):
            if len(groups) >= self._top_k:
                break
            text = self._same(each.span.text)
            if text not in texts and taken[each.document].add(each.span.start, each.span.end):
                texts.add(text)
                groups.append([each])
        answers = []
        for group in groups:
            places = [each.place(float(np.exp(each.rank - total))) for each in group]
            answers.append(Answer.from_places(places, sum(place.score for place in places)))
        answers.sort(key=lambda answer: -answer.score)
        return [each for rank, each in enumerate(answers) if not rank or each.score >= LEAST]

    def _groups(self, total: float, taken: dict[int, DisjointSpans]) -> list[list[_Found]]:
        """Return up to `top_k` groups of candidates with one text, the one with most of it first.

        Args:
            taken: gets the places of each document.
        """
        left = sorted(self._candidates, key=_order)
        groups: list[list[_Found]] = []
        while left and len(groups) < self._top_k:
            by_text: dict[str, list[_Found]] = defaultdict(list)
            for each in left:
                by_text[self._same(each.span.text)].append(each)
            best = max(by_text.values(), key=lambda same: sum(np.exp(e.rank - total) for e in same))
            groups.append([e for e in best if taken[e.document].add(e.span.start, e.span.end)])
            left = [e for e in left if taken[e.document].free(e.span.start, e.span.end)]
        return groups


def _order(found: _Found) -> tuple[float, int, int, int]:
    """The best first; of equal ones the earlier and shorter."""
    return -found.rank, found.document, found.span.start, found.span.end
