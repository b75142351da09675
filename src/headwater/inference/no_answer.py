"""Deciding that a text does not answer (Devlin et al. 2019, section 4.3). Free of torch.

With s the score of the best span and n that of "no answer", the model abstains when
`n - s > threshold`. The threshold is chosen on validation data for the best F1, which is what the
official SQuAD 2.0 script calls `best_f1`.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.metrics.qa import f1_or_null, with_words


def calibrate(
    examples: Iterable[SpanExample], margins: Mapping[str, float], best_spans: Mapping[str, str]
) -> float:
    """Return the threshold with the best F1 on labelled examples.

    Args:
        margins, best_spans: `Prediction.no_answer_margin` and `.best_span` by example id.
    """
    labelled = list(examples)
    impossible = [not each.golds for each in labelled]
    scores = span_scores(labelled, best_spans)
    return calibrate_threshold([margins[each.id] for each in labelled], scores, impossible)


def span_scores(examples: Iterable[SpanExample], best_spans: Mapping[str, str]) -> list[float]:
    """Return F1 of the best span of each example, whether or not it would be answered."""
    return [
        max(f1_or_null(best_spans[each.id], gold) for gold in with_words(each.golds))
        for each in examples
    ]


def calibrate_threshold(
    margins: Sequence[float], scores: Sequence[float], impossible: Sequence[bool]
) -> float:
    """Return the threshold with the best sum of scores; among equal ones the lowest.

    Args:
        margins: `n - s` per question (`Prediction.no_answer_margin`); may be infinite.
        scores: F1 (or exact match) of the best span per question; not looked at if impossible.
        impossible: whether abstaining is right.

    The threshold lies half-way between the last question answered and the first one not.
    """
    if not len(margins):
        raise UserError("no questions to calibrate the no-answer threshold on")
    # Answering a question wins its score, or loses the point for having abstained rightly.
    gains = np.where(np.asarray(impossible, bool), -1.0, np.asarray(scores, np.float64))
    order = np.argsort(np.asarray(margins, np.float64), kind="stable")
    ascending = np.asarray(margins, np.float64)[order]
    totals = np.concatenate(([0.0], np.cumsum(gains[order])))
    cuts = np.flatnonzero(np.concatenate(([True], ascending[1:] > ascending[:-1], [True])))
    best = int(cuts[np.argmax(totals[cuts])])  # so many questions are answered
    return _between(ascending, best)


def _between(ascending: NDArray[np.float64], answered: int) -> float:
    """Return a finite number between the margins of the last answered and the next question."""
    finite = ascending[np.isfinite(ascending)]
    if not len(finite):
        return 0.0
    low, high = float(finite[0]) - 2.0, float(finite[-1]) + 2.0
    below = float(ascending[answered - 1]) if answered else low
    above = float(ascending[answered]) if answered < len(ascending) else high
    return (min(max(below, low), high) + min(max(above, low), high)) / 2
