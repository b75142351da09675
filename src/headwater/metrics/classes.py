"""What each class is worth: precision, recall and F1, and which is taken for which.

They equal scikit-learn's `classification_report` and `confusion_matrix`. A prediction that is no
label stands in a column of its own, and is wrong.

>>> golds, predictions = ["no", "yes", "yes", "no"], ["no", "yes", "no", "maybe"]
>>> [list(row) for row in confusion(golds, predictions, ["no", "yes"])]
[[1, 0, 1], [1, 1, 0]]
>>> print(class_report(golds, predictions, ["no", "yes"]), end="")
class      precision  recall      F1  examples
no             50.00   50.00   50.00         2
yes           100.00   50.00   66.67         2
mean           75.00   50.00   58.33         4
predictions that are no label: 1
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Self

from headwater.errors import UserError


class ClassScore(NamedTuple):
    """Of one class: precision, recall and F1 in percent, and how many golds there are.

    A ratio over nothing is 0.
    """

    precision: float
    recall: float
    f1: float
    examples: int

    @classmethod
    def of(cls, right: int, golds: int, predicted: int) -> Self:
        """Return the scores of a class from three counts of examples."""
        f1 = _percent(2 * right, golds + predicted)
        return cls(_percent(right, predicted), _percent(right, golds), f1, golds)


def confusion(
    golds: Sequence[str], predictions: Sequence[str], labels: Sequence[str]
) -> list[list[int]]:
    """Count the predictions of each class: a row for each gold label, a column for each predicted.

    The last column counts what is no label.
    """
    if not golds:
        raise UserError("there is no example to score")
    pairs = Counter(zip(golds, predictions, strict=True))
    rows = [[pairs[gold, label] for label in labels] for gold in labels]
    totals = Counter(golds)
    return [[*row, totals[gold] - sum(row)] for gold, row in zip(labels, rows, strict=True)]


def class_scores(matrix: Sequence[Sequence[int]]) -> list[ClassScore]:
    """Return the scores of each class from what `confusion` counts."""
    columns = [*zip(*matrix, strict=True)]
    return [
        ClassScore.of(row[index], sum(row), sum(columns[index])) for index, row in enumerate(matrix)
    ]


def class_report(golds: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> str:
    """Return a table with a line for each class and their mean, each with the same weight."""
    matrix = confusion(golds, predictions, labels)
    return report(labels, class_scores(matrix), unknown=sum(row[-1] for row in matrix))


def report(labels: Sequence[str], scores: Sequence[ClassScore], unknown: int) -> str:
    """Return the table of some scores; `unknown`: how many predictions are no label."""
    width = max(10, *map(len, labels))
    lines = [f"{'class':<{width}} precision  recall      F1  examples"]
    precision, recall, f1 = (
        sum(each[column] for each in scores) / len(scores) for column in range(3)
    )
    mean = ClassScore(precision, recall, f1, sum(each.examples for each in scores))
    for label, score in zip((*labels, "mean"), (*scores, mean), strict=True):
        numbers = f"{score.precision:9.2f} {score.recall:7.2f} {score.f1:7.2f}"
        lines.append(f"{label:<{width}} {numbers} {score.examples:9}")
    if unknown:
        lines.append(f"predictions that are no label: {unknown}")
    return "".join(f"{line}\n" for line in lines)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
