import math
import random

import pytest

from headwater.data.example import AnswerSpan, SpanExample
from headwater.errors import UserError
from headwater.inference.answer import sigmoid
from headwater.inference.no_answer import calibrate, calibrate_threshold
from headwater.metrics.qa import squad_v2


def test_a_probability_never_overflows() -> None:
    assert sigmoid(0.0) == 0.5
    assert sigmoid(math.inf) == 1.0 and sigmoid(-math.inf) == 0.0
    assert sigmoid(1e4) == 1.0 and sigmoid(-1e4) == 0.0
    assert sigmoid(1.0) == pytest.approx(1 / (1 + math.exp(-1)))


def test_the_threshold_lies_between_the_questions_it_parts() -> None:
    margins, scores = [-4.0, -2.0, 1.0, 3.0], [1.0, 0.5, 0.0, 0.0]
    assert calibrate_threshold(margins, scores, [False, False, True, True]) == -0.5
    assert calibrate_threshold(margins, scores, [True] * 4) < -4.0
    assert calibrate_threshold(margins, [1.0] * 4, [False] * 4) > 3.0


def test_equal_margins_are_not_parted() -> None:
    threshold = calibrate_threshold([0.0, 0.0, 0.0], [1.0, 0.0, 1.0], [False, True, False])
    assert threshold > 0.0  # two gains against one loss


def test_infinite_margins_give_a_finite_threshold() -> None:
    margins = [-1.0, math.inf, math.inf]
    assert -1 < calibrate_threshold(margins, [1.0, 0.0, 0.0], [False, True, True]) < math.inf
    assert calibrate_threshold([math.inf], [0.0], [True]) == 0.0
    with pytest.raises(UserError):
        calibrate_threshold([], [], [])


@pytest.mark.parametrize("seed", range(5))
def test_calibrated_f1_is_the_best_f1_of_the_official_script(seed: int) -> None:
    chance = random.Random(seed)
    examples, margins, spans = [], {}, {}
    for number in range(200):
        impossible = chance.random() < 0.4
        golds = () if impossible else (AnswerSpan("red bob", 0), AnswerSpan("bob", 4))
        examples.append(SpanExample(str(number), "who?", "red bob won", golds, impossible))
        spans[str(number)] = chance.choice(["red bob", "won", "bob won", "bob"])
        margins[str(number)] = chance.gauss(2.0 if impossible else -1.0, 2.0)
    threshold = calibrate(examples, margins, spans)
    golds_by_id = {each.id: [answer.text for answer in each.answers] for each in examples}
    best = squad_v2(golds_by_id, spans, {k: sigmoid(v) for k, v in margins.items()})["best_f1"]
    decided = {key: "" if margins[key] > threshold else spans[key] for key in spans}
    assert squad_v2(golds_by_id, decided)["f1"] == pytest.approx(best, abs=1e-9)
