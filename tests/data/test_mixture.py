"""Draws of a mixture: by the rates, none again before all have come, each by its position."""

import numpy as np
import pytest

from headwater.data.batching import plan_epoch
from headwater.data.convert import EncodedPairs, Features, PairSet
from headwater.data.mixture import Mixture
from headwater.data.rates import equal, proportional
from headwater.data.token_arrays import Ragged
from headwater.text.framing import Framing
from headwater.training.config import BatchSize, TrainingConfig
from headwater.training.plan import Plan


class Numbered:
    """Features that say which they are and in which epoch they were read."""

    def __init__(self, name: int, size: int) -> None:
        self.name = name
        self.lengths = np.arange(size, dtype=np.int64) % 7 + 1
        self.fingerprint = f"{name}:{size}"

    def __len__(self) -> int:
        return len(self.lengths)

    def features(self, rows: np.ndarray, epoch: int) -> list[Features]:
        return [
            {
                "input_ids": np.full(self.lengths[row], row, np.int32),
                "home": np.array(self.name),
                "row": np.array(row),
                "epoch": np.array(epoch),
            }
            for row in rows.tolist()
        ]


def mixture(sizes: list[int], rates: np.ndarray, size: int, seed: int = 3) -> Mixture:
    sets = [Numbered(name, each) for name, each in enumerate(sizes)]
    return Mixture(sets, rates, size, seed, apart=False)


def drawn(mixed: Mixture, epoch: int) -> list[tuple[int, int, int]]:
    rows = mixed.draw(epoch).features(np.arange(mixed.size), epoch)
    assert all(int(row["task"]) == int(row["home"]) for row in rows)
    return [(int(row["home"]), int(row["row"]), int(row["epoch"])) for row in rows]


@pytest.mark.parametrize("epoch", [0, 7])
def test_a_hundred_thousand_draws_lie_within_three_sigma(epoch: int) -> None:
    rates = np.array([0.6, 0.25, 0.1, 0.05])
    mixed = mixture([1000, 50, 10, 1], rates, 100_000)
    counts = np.bincount([home for home, _, _ in drawn(mixed, epoch)], minlength=4)
    sigma = np.sqrt(100_000 * rates * (1 - rates))
    assert (abs(counts - 100_000 * rates) < 3 * sigma).all()


def test_none_comes_again_before_all_have_come_across_epochs() -> None:
    mixed = mixture([30, 7], equal([30, 7]), 40)
    seen = [each for epoch in range(6) for each in drawn(mixed, epoch)]
    for home, size in ((0, 30), (1, 7)):
        own = [(row, reading) for name, row, reading in seen if name == home]
        for begin in range(0, len(own) - size, size):
            part = own[begin : begin + size]
            assert sorted(row for row, _ in part) == list(range(size))
            assert {reading for _, reading in part} == {begin // size}
        assert own[:size] != sorted(own[:size])


def test_an_epoch_is_the_same_whatever_was_drawn_before() -> None:
    rates = proportional([30, 7])
    straight, jumped = mixture([30, 7], rates, 37), mixture([30, 7], rates, 37)
    expected = [drawn(straight, epoch) for epoch in range(4)]
    assert [drawn(jumped, epoch) for epoch in (3, 1, 0, 2)] == [
        expected[epoch] for epoch in (3, 1, 0, 2)
    ]
    assert expected[0] != expected[1]
    assert drawn(mixture([30, 7], rates, 37, seed=4), 0) != expected[0]


def test_the_fingerprint_tells_every_part_of_it() -> None:
    prints = {
        mixture([30, 7], equal([30, 7]), 37).fingerprint,
        mixture([30, 8], equal([30, 7]), 37).fingerprint,
        mixture([30, 7], np.array([0.4, 0.6]), 37).fingerprint,
        mixture([30, 7], equal([30, 7]), 38).fingerprint,
        mixture([30, 7], equal([30, 7]), 37, seed=4).fingerprint,
        Mixture([Numbered(0, 30), Numbered(1, 7)], equal([1, 1]), 37, 3, apart=True).fingerprint,
    }
    assert len(prints) == 6


def test_apart_each_step_is_of_one_task_and_every_draw_stands_in_one() -> None:
    mixed = Mixture([Numbered(0, 300), Numbered(1, 90)], equal([1, 1]), 400, 3, apart=True)
    draws = mixed.draw(2)
    assert draws.groups is not None
    steps = plan_epoch(draws.lengths, None, draws.groups, tokens=60, seed=1, epoch=2, accumulate=2)
    for step in steps:
        assert len({int(draws.groups[row]) for part in step for row in part}) == 1
    rows = np.concatenate([part for step in steps for part in step])
    assert sorted(rows.tolist()) == list(range(400))
    order = [int(draws.groups[step[0][0]]) for step in steps]
    assert order != sorted(order)


def test_pairs_stay_pairs() -> None:
    def pairs(size: int) -> EncodedPairs:
        texts = Ragged.of([np.arange(2, 4 + row, dtype=np.int32) for row in range(size)])
        return EncodedPairs(texts, texts, Framing((), (1,), 1))

    draws = Mixture([pairs(5), pairs(2)], equal([1, 1]), 9, 0, apart=False).draw(0)
    assert isinstance(draws, PairSet)
    for row, made in enumerate(draws.features(np.arange(9), 0)):
        assert draws.target_lengths[row] == len(made["labels"])
        assert draws.lengths[row] == len(made["labels"]) + len(made["input_ids"])


def test_the_plan_draws_each_epoch_anew() -> None:
    mixed = mixture([30, 7], equal([30, 7]), 40)
    plan = Plan(mixed, TrainingConfig(epochs=2.0, batch=BatchSize(examples=8)))
    assert plan.total == 10
    first, second = plan.features(0), plan.features(1)
    assert first.fingerprint != second.fingerprint
    assert plan.features(0).fingerprint == first.fingerprint
