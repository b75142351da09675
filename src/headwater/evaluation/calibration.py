"""How far a model's scores can be believed: of answers said with 0.8, are 80% right?

Answers are sorted into ten bins by their score. A model is calibrated where the share of right
answers in each bin is the mean of its scores (Guo et al. 2017, "On Calibration of Modern Neural
Networks", sections 2 and 3). An answer is right with an F1 of at least 0.5 against one of the gold
answers; whoever says "no answer" says no answer that could be right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

from headwater.metrics.qa import f1

BINS = 10
RIGHT = 0.5  # the least F1 of an answer that counts as right


@final
@dataclass(frozen=True, slots=True)
class Bin:
    """The answers with a score from `low` to `high`: how many, their mean score, the share right.

    Both are 0 where there is none.
    """

    low: float
    high: float
    answers: int
    score: float
    right: float


@final
@dataclass(frozen=True, slots=True)
class Calibration:
    """The bins, and the expected calibration error: the mean of |score - right| over answers."""

    bins: tuple[Bin, ...]

    @property
    def answers(self) -> int:
        """How many answers there are."""
        return sum(each.answers for each in self.bins)

    @property
    def error(self) -> float:
        """The expected calibration error, from 0 to 1; 0 without an answer."""
        apart = sum(each.answers * abs(each.score - each.right) for each in self.bins)
        return apart / max(1, self.answers)

    def to_dict(self) -> dict[str, Any]:
        """Return what `calibration.json` holds."""
        bins = [asdict(each) for each in self.bins]
        return {
            "answers": self.answers,
            "expected_calibration_error": self.error,
            "right_is_f1_of": RIGHT,
            "bins": bins,
        }


def calibration(
    texts: Mapping[str, str], scores: Mapping[str, float], golds: Mapping[str, Sequence[str]]
) -> Calibration:
    """Compare the scores of answers with how many are right.

    Args:
        texts: the answers by question; "" is none.
        scores: their probabilities.
        golds: the right answers of each question; none: it has no answer.
    """
    said = [key for key, text in texts.items() if text and key in golds and key in scores]
    right = np.array([any(f1(texts[key], g) >= RIGHT for g in golds[key]) for key in said], float)
    given = np.array([scores[key] for key in said], float)
    number = np.clip((given * BINS).astype(int), 0, BINS - 1)
    bins = []
    for each in range(BINS):
        inside = number == each
        count = int(inside.sum())
        means = (float(values[inside].mean()) if count else 0.0 for values in (given, right))
        bins.append(Bin(each / BINS, (each + 1) / BINS, count, *means))
    return Calibration(tuple(bins))
