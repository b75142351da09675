"""Scores of GLUE and SuperGLUE: accuracy, F1, Matthews' and the other correlations, in percent.

They follow the benchmarks' definitions (Wang et al. 2018, section 3; Wang et al. 2019, section 3)
and equal scikit-learn's and scipy's. Golds stand first, predictions second, in one order.

A prediction that is no label counts as wrong. For F1 of two classes it is the label that the gold
one is not, for Matthews' correlation a class more, both as in T5's evaluation; see `unknown` for
how many there are.
A correlation with a constant is not defined (scipy gives NaN): here it is 0.0, no correlation.

>>> golds, predictions = ["no", "yes", "yes", "no"], ["no", "yes", "no", "maybe"]
>>> accuracy(golds, predictions), f1(golds, predictions, ["no", "yes"])
(50.0, 50.0)
>>> spearman([1.0, 2.0, 3.0], [0.1, 0.2, 10.0]), pearson([1.0, 2.0], [3.0, 3.0])
(100.0, 0.0)
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from headwater.errors import UserError, listed

T = TypeVar("T")


def accuracy(golds: Sequence[str], predictions: Sequence[str]) -> float:
    """Percent of the predictions that equal the gold label."""
    right = sum(gold == prediction for gold, prediction in _pairs(golds, predictions))
    return 100.0 * right / len(golds)


def f1(golds: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> float:
    """F1 of the second of two labels, the positive class: class 1 of GLUE's files.

    It is 0 where the class neither occurs nor is predicted.
    """
    if len(labels) != 2:
        raise UserError(
            f"f1 is a score of two labels, not of {len(labels)}: {listed(labels)}; "
            "use macro_f1 or accuracy"
        )
    known = as_labels(golds, predictions, labels)
    return 100.0 * _class_f1(Counter(_pairs(golds, known)), labels[1])


def macro_f1(golds: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> float:
    """Mean of the F1 of every label, each with the same weight (CommitmentBank's).

    What is no label is in no class, so that only the gold class loses by it.
    """
    pairs = Counter(_pairs(golds, predictions))
    return 100.0 * sum(_class_f1(pairs, label) for label in labels) / len(labels)


def matthews(golds: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> float:
    """Matthews' correlation, -100 to 100 (Matthews 1975; of more classes Gorodkin 2004, R_K).

    All that is no label is one class more, as in T5's published metric.
    """
    pairs = _pairs(golds, [each if each in labels else "" for each in predictions])
    expected, predicted = (Counter(side) for side in zip(*pairs, strict=True))
    count, right = len(pairs), sum(gold == answer for gold, answer in pairs)
    covariance = count * right - sum(expected[label] * predicted[label] for label in expected)
    spreads = [count**2 - sum(size**2 for size in side.values()) for side in (expected, predicted)]
    return 100.0 * covariance / math.sqrt(math.prod(spreads)) if all(spreads) else 0.0


def pearson(golds: Sequence[float], predictions: Sequence[float]) -> float:
    """Pearson's correlation, -100 to 100; 0.0 where it is not defined."""
    pairs = np.asarray(_pairs(golds, predictions), np.float64)
    return _correlation(pairs[:, 0], pairs[:, 1])


def spearman(golds: Sequence[float], predictions: Sequence[float]) -> float:
    """Spearman's correlation of ranks, -100 to 100; equal values share the mean of their ranks."""
    pairs = np.asarray(_pairs(golds, predictions), np.float64)
    return _correlation(ranks(pairs[:, 0]), ranks(pairs[:, 1]))


def group_exact_match(
    groups: Sequence[str], golds: Sequence[str], predictions: Sequence[str]
) -> float:
    """Percent of the groups in which every prediction is right.

    MultiRC's exact match, where a group is a question with its proposed answers; its F1a is `f1`
    over the answers of all questions (Khashabi et al. 2018, section 4).
    """
    right: dict[str, bool] = defaultdict(lambda: True)
    for group, (gold, prediction) in zip(groups, _pairs(golds, predictions), strict=True):
        right[group] &= gold == prediction
    return 100.0 * sum(right.values()) / len(right)


def numbers(predictions: Iterable[str]) -> list[float]:
    """Read predicted numbers; what is no finite number becomes -1.0, as in T5's evaluation."""
    return [number if number is not None else -1.0 for number in map(_number, predictions)]


def unknown(predictions: Iterable[str], labels: Sequence[str]) -> int:
    """Count the predictions that are no label; without labels (a regression), no finite number."""
    known = frozenset(labels)
    if not known:
        return sum(_number(text) is None for text in predictions)
    return sum(text not in known for text in predictions)


def _pairs(golds: Sequence[T], predictions: Sequence[T]) -> list[tuple[T, T]]:
    if not golds:
        raise UserError("there is no example to score")
    return list(zip(golds, predictions, strict=True))


def as_labels(golds: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Replace what is none of two labels by the one that is wrong, as `f1` counts it."""
    wrong = {labels[0]: labels[1], labels[1]: labels[0]}
    pairs = zip(golds, predictions, strict=True)
    return [each if each in wrong else wrong[gold] for gold, each in pairs]


def _class_f1(pairs: Counter[tuple[str, str]], label: str) -> float:
    """Return the F1 of one class, 0 to 1, from the counts of (gold, predicted)."""
    golds = sum(count for (gold, _), count in pairs.items() if gold == label)
    predicted = sum(count for (_, each), count in pairs.items() if each == label)
    return 2 * pairs[label, label] / (golds + predicted) if golds + predicted else 0.0


def ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the rank of each value, from 1; equal ones share the mean of their ranks."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: npt.NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[which]
    return found


def _correlation(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> float:
    # A constant's distance from its mean may be a rounding error: no correlation is left to find.
    if (left == left[0]).all() or (right == right[0]).all():
        return 0.0
    left, right = _standardized(left), _standardized(right)
    return 100.0 * min(1.0, max(-1.0, float(left @ right)))


def _standardized(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Center and scale to length 1; first to below 1, so that no huge number overflows."""
    values = values / np.abs(values).max()
    values = values - values.mean()
    standardized: npt.NDArray[np.float64] = values / np.linalg.norm(values)
    return standardized


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
