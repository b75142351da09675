"""The learning rate as a pure function of the step, so that resuming needs no state.

Steps count from 1. The rate rises linearly over the warm-up, whose last step has the full rate,
and no step is wasted at a rate of zero: the first has 1/warmup of it, the last a little more
than nothing.
"""

import math

from headwater.errors import counted
from headwater.training.config import TrainingConfig

# Raffel et al. 2020, section 3.1.2: 1/sqrt(max(n, k)) with k = 10^4.
_T5_FLAT_STEPS = 10_000


def warmup_steps(config: TrainingConfig, total: int) -> int:
    """Return the length of the warm-up in steps; a share is rounded."""
    if isinstance(config.warmup, float):
        return round(config.warmup * total)
    return config.warmup


def schedule_factor(schedule: str, step: int, warmup: int, total: int) -> float:
    """Return the share of the full learning rate at a step (1 .. total)."""
    if step <= warmup:
        return step / warmup
    done = (step - warmup - 1) / max(1, total - warmup)
    if schedule == "linear":
        return 1.0 - done
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    if schedule == "inverse_square_root":
        # Without a warm-up this is T5's own: level for 10^4 steps, then falling.
        flat = warmup or _T5_FLAT_STEPS
        return math.sqrt(flat / max(step, flat))
    assert schedule == "constant", schedule
    return 1.0


def learning_rate(config: TrainingConfig, step: int, total: int) -> float:
    """Return the learning rate at a step (1 .. total)."""
    share = schedule_factor(config.schedule, step, warmup_steps(config, total), total)
    return config.peak_learning_rate * share


def schedule_warnings(config: TrainingConfig, total: int) -> list[str]:
    """Say what is allowed but surely not meant: the traps that leave a model untrained."""
    found = []
    if config.peak_learning_rate == 0:
        found.append("the learning rate is 0 at every step: nothing will be learned")
    warmup = warmup_steps(config, total)
    if warmup >= total:
        found.append(
            f"the warm-up ({counted(warmup, 'step')}) is as long as the training "
            f"({counted(total, 'step')}): "
            "the full learning rate is reached at the end or never"
        )
    return found
