"""Reciprocal rank fusion (Cormack et al. 2009): one order from several, by ranks alone.

A passage's score is the sum of weight / (K + its rank) over the searches that found it. Scores of
words and cosines have no common scale; ranks have. K is 10, since the first ranks count here.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import final

from headwater.documents.engine import Ranked, Searcher

K = 10
DEPTH = 100
"""The least number of passages that each search gives, whatever is asked for."""


@final
class Fusion:
    """Several searches as one.

    Args:
        searchers: each with its weight.
    """

    def __init__(self, *searchers: tuple[float, Searcher]) -> None:
        self._searchers = searchers

    def search(self, question: str, limit: int) -> list[Ranked]:
        if limit < 1:
            return []
        depth = max(limit, DEPTH)
        return fused([(w, each.search(question, depth)) for w, each in self._searchers], limit)


def fused(rankings: Sequence[tuple[float, Sequence[Ranked]]], limit: int) -> list[Ranked]:
    """Return the best of several rankings, each with its weight; of equal scores the lower id.

    >>> one, two = [Ranked(7, 9.5), Ranked(8, 3.5)], [Ranked(8, 0.25)]
    >>> [each.id for each in fused([(2.0, one), (1.0, two)], 2)]
    [8, 7]
    """
    scores: dict[int, float] = defaultdict(float)
    for weight, ranking in rankings:
        for rank, found in enumerate(ranking, 1):
            scores[found.id] += weight / (K + rank)
    best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Ranked(*each) for each in best[:limit]]
