"""Learning rates by step."""

import math

import pytest

from headwater.training.config import TrainingConfig
from headwater.training.schedules import (
    learning_rate,
    schedule_factor,
    schedule_warnings,
    warmup_steps,
)


def rates(schedule: str, warmup: int, total: int) -> list[float]:
    return [schedule_factor(schedule, step, warmup, total) for step in range(1, total + 1)]


def test_linear_rises_then_falls_and_no_step_is_wasted() -> None:
    assert rates("linear", 4, 8) == [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]
    assert rates("linear", 0, 4) == [1.0, 0.75, 0.5, 0.25]


def test_cosine() -> None:
    found = rates("cosine", 0, 4)
    assert found == pytest.approx([0.5 * (1 + math.cos(math.pi * k / 4)) for k in range(4)])
    assert found[-1] > 0


def test_constant() -> None:
    assert rates("constant", 2, 5) == [0.5, 1.0, 1.0, 1.0, 1.0]


def test_inverse_square_root_with_and_without_warmup() -> None:
    assert schedule_factor("inverse_square_root", 50, 100, 10**6) == 0.5
    assert schedule_factor("inverse_square_root", 400, 100, 10**6) == pytest.approx(0.5)
    # T5: 1/sqrt(max(n, 10^4)) is 0.01 at its top.
    for step in (1, 10_000, 40_000, 250_000):
        published = 1 / math.sqrt(max(step, 10_000))
        found = schedule_factor("inverse_square_root", step, 0, 10**6)
        assert 0.01 * found == pytest.approx(published)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant", "inverse_square_root"])
@pytest.mark.parametrize(("warmup", "total"), [(0, 1), (1, 1), (5, 3), (3, 4), (0, 2)])
def test_short_runs_have_usable_rates(schedule: str, warmup: int, total: int) -> None:
    assert all(0 < rate <= 1 for rate in rates(schedule, warmup, total))


def test_warmup_as_share_or_steps() -> None:
    assert warmup_steps(TrainingConfig(warmup=0.1), 250) == 25
    assert warmup_steps(TrainingConfig(warmup=7), 250) == 7
    config = TrainingConfig(learning_rate=2.0, warmup=10)
    assert learning_rate(config, 5, 100) == 1.0


def test_traps_are_reported() -> None:
    assert schedule_warnings(TrainingConfig(), 100) == []
    assert "learning rate is 0" in schedule_warnings(TrainingConfig(learning_rate=0.0), 100)[0]
    assert "warm-up" in schedule_warnings(TrainingConfig(warmup=100), 100)[0]
