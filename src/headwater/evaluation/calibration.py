"""How far a model's scores can be believed: of answers said with 0.8, are 80% right?

Answers are sorted into ten bins by their score. A model is calibrated where the share of right
answers in each bin is the mean of its scores (Guo et al. 2017, "On Calibration of Modern Neural
Networks", sections 2 and 3). What is said, when it is right, and its score:

    an answer    an F1 of at least 0.5 against one of the gold answers; its probability. Whoever
                 says "no answer" says no answer that could be right.
    a class      the gold one; its probability.
    an entity    its words and its type are right; the mean probability of its words' tags.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, final

import numpy as np

from headwater.inference.answer import Decision
from headwater.metrics.qa import f1
from headwater.metrics.tagging import chunks

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
    """The bins, and the expected calibration error: the mean of |score - right| over answers.

    right_is_f1_of: the least F1 of a right answer; None where answers are right or wrong.
    """

    bins: tuple[Bin, ...]
    right_is_f1_of: float | None = None

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
            "right_is_f1_of": self.right_is_f1_of,
            "bins": bins,
        }


def of_answers(
    texts: Mapping[str, str], scores: Mapping[str, float], golds: Mapping[str, Sequence[str]]
) -> Calibration:
    """Compare the scores of answers to questions with how many are right.

    Args:
        texts: the answers by question; "" is none.
        scores: their probabilities.
        golds: the right answers of each question; none: it has no answer.
    """
    said = [key for key, text in texts.items() if text and key in golds and key in scores]
    right = (any(f1(texts[key], g) >= RIGHT for g in golds[key]) for key in said)
    return Calibration(_bins([scores[key] for key in said], right), RIGHT)


class Judge(NamedTuple):
    """Of one kind of task: how sure a model is of each thing that it says, and which are right.

    sure: of a prediction, `[things said]`.
    right: of its text and the gold one, `[things said]`.
    """

    sure: Callable[[Decision], tuple[float, ...]]
    right: Callable[[str, str], list[bool]]


def of_decisions(
    judge: Judge,
    texts: Mapping[str, str],
    sure: Mapping[str, Sequence[float]],
    golds: Mapping[str, Sequence[str]],
) -> Calibration:
    """Compare the scores of classes or entities with how many are right.

    Args:
        texts: the predictions.
        sure: what `judge.sure` gives for each.
        golds: of each the right text, as the only one.
    """
    said = [key for key in sure if key in golds]
    right = (each for key in said for each in judge.right(texts[key], golds[key][0]))
    return Calibration(_bins([score for key in said for score in sure[key]], right))


def _entity_scores(decision: Decision) -> tuple[float, ...]:
    given = decision.probabilities
    found = chunks(decision.text.split()) if given else ()
    return tuple(float(np.mean(given[each.start : each.end])) for each in found)


def _right_entities(text: str, gold: str) -> list[bool]:
    expected = set(chunks(gold.split()))
    return [each in expected for each in chunks(text.split())]


JUDGES: Mapping[str, Judge] = {
    "sequence": Judge(
        lambda decision: (max(decision.probabilities),) if decision.probabilities else (),
        lambda text, gold: [text == gold],
    ),
    "token": Judge(_entity_scores, _right_entities),
}
"""By the kind of a task. A model that writes gives no probabilities: it is sure of nothing."""


def _bins(scores: Sequence[float], right: Iterable[bool]) -> tuple[Bin, ...]:
    given, hits = np.array(scores, float), np.fromiter(right, float)
    number = np.clip((given * BINS).astype(int), 0, BINS - 1)
    bins = []
    for each in range(BINS):
        inside = number == each
        count = int(inside.sum())
        means = (float(values[inside].mean()) if count else 0.0 for values in (given, hits))
        bins.append(Bin(each / BINS, (each + 1) / BINS, count, *means))
    return tuple(bins)
