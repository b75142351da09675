"""Which metric a task on texts and pairs means by a name: all in percent, more is better.

MultiRC's answers are grouped by question and AX-g's rows are pairs that differ by a gender, so that
a metric is given the examples' ids and order too.
"""

from collections.abc import Callable, Mapping, Sequence

from headwater.metrics import classification as scores

Metric = Callable[[Sequence[str], Sequence[str], Sequence[str], Sequence[str]], float]
"""Of golds, predictions, the classes by number and the examples' ids."""

METRICS: Mapping[str, Metric] = {
    "accuracy": lambda golds, said, classes, ids: scores.accuracy(golds, said),
    "f1": lambda golds, said, classes, ids: scores.f1(golds, said, classes),
    "macro_f1": lambda golds, said, classes, ids: scores.macro_f1(golds, said, classes),
    "matthews": lambda golds, said, classes, ids: scores.matthews(golds, said, classes),
    "exact_match": lambda golds, said, classes, ids: scores.group_exact_match(
        [key.rpartition("-")[0] for key in ids], golds, said
    ),
    "gender_parity": lambda golds, said, classes, ids: parity(said),
}


def parity(said: Sequence[str]) -> float:
    """The share of pairs, rows 0 and 1, 2 and 3, and so on, with the same prediction twice.

    0 where there is no pair.
    """
    pairs = list(zip(said[::2], said[1::2], strict=False))
    return 100.0 * sum(one == other for one, other in pairs) / len(pairs) if pairs else 0.0


def correlations(golds: Sequence[float], said: Sequence[str]) -> dict[str, float]:
    """Return Pearson's and Spearman's correlation; a text that is no number counts as -1."""
    numbers = scores.numbers(said)
    return {
        "pearson": scores.pearson(golds, numbers),
        "spearman": scores.spearman(golds, numbers),
    }
