"""Scores where a text may have several labels, or none; they equal scikit-learn's.

Golds and predictions are texts of labels with `, ` between them, "" where there is none.

>>> golds, predictions = ["a, b", "", "c"], ["a", "", "b, c"]
>>> exact_match(golds, predictions), micro_f1(golds, predictions, "abc")
(33.333333333333336, 66.66666666666667)
>>> macro_f1(golds, predictions, "abc")
66.66666666666667
"""

from collections.abc import Iterable, Sequence

from headwater.errors import UserError
from headwater.metrics.classes import ClassScore, report

BETWEEN = ", "


def labels_of(text: str) -> frozenset[str]:
    """Return the labels of a text of them."""
    return frozenset(text.split(BETWEEN)) if text else frozenset()


def exact_match(golds: Sequence[str], predictions: Sequence[str]) -> float:
    """Percent of the examples with all labels predicted and no other."""
    pairs = _pairs(golds, predictions)
    return 100.0 * sum(gold == found for gold, found in pairs) / len(pairs)


def micro_f1(golds: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> float:
    """F1 over all labels of all examples; what is no label counts as a wrong one."""
    pairs = _pairs(golds, predictions)
    return 100.0 * _f1((len(gold & found), len(gold), len(found)) for gold, found in pairs)


def macro_f1(golds: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> float:
    """Mean of the F1 of every label, each with the same weight; 0 where it never occurs."""
    pairs = _pairs(golds, predictions)
    scores = (
        _f1((each in gold and each in found, each in gold, each in found) for gold, found in pairs)
        for each in labels
    )
    return 100.0 * sum(scores) / len(labels)


def label_report(golds: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> str:
    """Return a table with a line for each label: where it is given or not; see `classes.report`."""
    pairs, known = _pairs(golds, predictions), frozenset(labels)
    scores = [
        ClassScore.of(
            sum(label in gold and label in found for gold, found in pairs),
            sum(label in gold for gold, _ in pairs),
            sum(label in found for _, found in pairs),
        )
        for label in labels
    ]
    return report(labels, scores, unknown=sum(len(found - known) for _, found in pairs))


def _pairs(
    golds: Sequence[str], predictions: Sequence[str]
) -> list[tuple[frozenset[str], frozenset[str]]]:
    if not golds:
        raise UserError("there is no example to score")
    return [(labels_of(g), labels_of(p)) for g, p in zip(golds, predictions, strict=True)]


def _f1(counts: Iterable[tuple[int, int, int]]) -> float:
    """Return F1, 0 to 1, from how many are right, gold and predicted, part by part."""
    right, golds, found = (sum(each) for each in zip(*counts, strict=True))
    return 2 * right / (golds + found) if golds + found else 0.0
