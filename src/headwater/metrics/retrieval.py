"""How far up the right passages stand among those that are found for questions.

A prediction is the names of passages, the best first, with spaces between them; the gold answers of
a question are the names of those that are right. All scores are in percent.
"""

from collections.abc import Sequence


def recall(golds: Sequence[Sequence[str]], predictions: Sequence[str], k: int) -> float:
    """Percent of questions with a right passage among the first k.

    This is the top-k accuracy of Karpukhin et al. 2020, section 4.

    >>> recall([["4"], ["2", "9"]], ["7 4 1", "9 7 4"], k=1)
    50.0
    """
    return _percent([each <= k for each in ranks(golds, predictions)])


def mean_reciprocal_rank(golds: Sequence[Sequence[str]], predictions: Sequence[str]) -> float:
    """Percent: the mean of 1 / the rank of the first right passage, 0 where none was found.

    The measure of TREC-8's questions (Voorhees 1999).

    >>> mean_reciprocal_rank([["4"], ["2", "9"]], ["7 4 1", "9 7 4"])
    75.0
    """
    return _percent([1 / each for each in ranks(golds, predictions)])


def ranks(golds: Sequence[Sequence[str]], predictions: Sequence[str]) -> list[float]:
    """Return for each question the rank of the first right passage, from 1; infinity for none."""
    pairs = zip(golds, predictions, strict=True)
    return [_rank(right, found.split()) for right, found in pairs]


def _rank(right: Sequence[str], found: Sequence[str]) -> float:
    return next((rank for rank, name in enumerate(found, 1) if name in right), float("inf"))


def _percent(values: Sequence[float]) -> float:
    return 100 * sum(values) / len(values) if values else 0.0
