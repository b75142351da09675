"""Scores that are the share of right answers."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from headwater.inference.answer import Answer, Place
from headwater.inference.score_scaling import ScoreScaling


def test_the_line_is_that_of_a_logistic_regression() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0.5, 2.0, 400)
    scores = 1 / (1 + np.exp(-logits))
    right = rng.random(400) < 1 / (1 + np.exp(1.0 - 0.4 * logits))
    found = ScoreScaling.fit(scores.tolist(), right.tolist())
    # sklearn's prior is around 0: shifted data let it be around a slope of 1.
    theirs = LogisticRegression(C=1e9).fit(logits[:, None], right)
    assert found.slope == pytest.approx(theirs.coef_[0, 0], abs=0.02)
    assert found.intercept == pytest.approx(theirs.intercept_[0], abs=0.02)
    scaled = np.array([found(score) for score in scores.tolist()])
    assert abs(scaled.mean() - right.mean()) < 0.01 < abs(scores.mean() - right.mean())


def test_few_answers_change_little_and_the_order_stays() -> None:
    assert ScoreScaling.fit([], []) == ScoreScaling()
    one = ScoreScaling.fit([0.9], [True])
    assert one.slope == pytest.approx(1.0, abs=0.3) and abs(one.intercept) < 0.2
    against = ScoreScaling.fit([0.01, 0.99] * 200, [True, False] * 200)
    assert against(0.2) < against(0.7)
    assert 0 < against(0.0) < against(1.0) < 1


def test_places_keep_their_parts() -> None:
    places = (Place(0, 1, "a", 0, "0", 0.3), Place(2, 3, "a", 2, "1", 0.1))
    scaled = ScoreScaling(0.5, 0.0).scaled(Answer.from_places(places, 0.4))
    assert scaled.score == pytest.approx(1 / (1 + (0.6 / 0.4) ** 0.5))
    assert sum(place.score for place in scaled.places) == pytest.approx(scaled.score)
    assert scaled.places[0].score == pytest.approx(3 * scaled.places[1].score)
    none = Answer.none(0.7)
    assert ScoreScaling(0.5, 1.0).scaled(none) is none
    assert ScoreScaling()(0.123) == 0.123
