"""Scores that are the share of right answers: Platt scaling (Platt 1999; Guo et al. 2017, 4.1).

A reader's scores say how spans and "no answer" compare, which says little of how often it is right
where a search chose the texts. On labelled questions a line is fitted: logit(right) = slope x
logit(score) + intercept. It rises, so the order of answers stays.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from headwater.inference.answer import Answer, sigmoid

_EDGE = 1e-6  # how near a score may come to 0 and 1
_LEAST_SLOPE = 0.01
_STEPS = 100
_NEAR = 1e-9  # a step that changes nothing

Line = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class ScoreScaling:
    """A line from the logit of a score to that of the share of right answers."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, score: float) -> float:
        """Return a score in its new scale."""
        if self == UNSCALED:
            return score
        return sigmoid(self.slope * _logit(score) + self.intercept)

    def scaled(self, answer: Answer) -> Answer:
        """Return an answer with a score in the new scale, and its places with their parts of it."""
        if answer.no_answer or not answer.score:
            return answer
        score = self(answer.score)
        part = score / answer.score
        places = tuple(replace(place, score=part * place.score) for place in answer.places)
        return replace(answer, score=score, places=places)

    @classmethod
    def fit(cls, scores: Sequence[float], right: Sequence[bool]) -> Self:
        """Return the likeliest line on labelled answers, by Newton's method.

        Its prior is a normal distribution around no change, so that a few answers change little.
        """
        x = np.array([[_logit(score), 1.0] for score in scores]).reshape(-1, 2)
        y = np.array(right, np.float64)
        start = np.array([1.0, 0.0])

        def loss(line: Line) -> float:
            z = x @ line
            return float(np.logaddexp(0.0, z).sum() - y @ z + np.sum((line - start) ** 2) / 2)

        line = start
        for _ in range(_STEPS):
            p = 1.0 / (1.0 + np.exp(-np.clip(x @ line, -500, 500)))
            gradient = x.T @ (p - y) + (line - start)
            curvature = (x * (p * (1 - p))[:, None]).T @ x + np.eye(2)
            step = np.linalg.solve(curvature, gradient)
            while loss(line - step) > loss(line):  # it went too far
                step /= 2
            line = line - step
            if np.abs(step).max() < _NEAR:
                break
        return cls(max(_LEAST_SLOPE, float(line[0])), float(line[1]))


UNSCALED = ScoreScaling()


def _logit(score: float) -> float:
    inside = min(max(score, _EDGE), 1.0 - _EDGE)
    return math.log(inside / (1.0 - inside))
