"""How many steps a run has, and which rows each takes."""

import math

import numpy as np
from numpy.typing import NDArray

from headwater.data.batching import Step, plan_epoch
from headwater.training.config import DEFAULT_EPOCHS, TrainingConfig


class Plan:
    """The steps of every epoch, made when asked for and kept for one epoch."""

    def __init__(
        self,
        lengths: NDArray[np.int64],
        config: TrainingConfig,
        target_lengths: NDArray[np.int64] | None = None,
    ) -> None:
        self._lengths = lengths
        self._target_lengths = target_lengths
        self._config = config
        self._kept: tuple[int, list[Step]] = (-1, [])
        self.total = config.steps or self._count(config.epochs or DEFAULT_EPOCHS)

    def epoch(self, number: int) -> list[Step]:
        """Return the steps of an epoch, counted from 0."""
        if self._kept[0] != number:
            steps = plan_epoch(
                self._lengths,
                self._target_lengths,
                tokens=self._config.batch.tokens,
                examples=self._config.batch.examples,
                accumulate=self._config.accumulate,
                seed=self._config.seed,
                epoch=number,
            )
            self._kept = (number, steps)
        return self._kept[1]

    def _count(self, epochs: float) -> int:
        whole = sum(len(self.epoch(number)) for number in range(math.floor(epochs)))
        part = epochs - math.floor(epochs)
        if part:
            whole += round(part * len(self.epoch(math.floor(epochs))))
        return max(1, whole)
