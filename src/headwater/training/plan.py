"""How many steps a run has, and which features each takes."""

import math

from headwater.data.batching import Step, plan_epoch
from headwater.data.convert import FeatureSet, PairSet
from headwater.data.mixture import Mixture
from headwater.training.config import DEFAULT_EPOCHS, TrainingConfig


class Plan:
    """The features and the steps of every epoch, made when asked for and kept for one epoch."""

    def __init__(self, features: FeatureSet | Mixture, config: TrainingConfig) -> None:
        self._features = features
        self._config = config
        self._kept: tuple[int, FeatureSet, list[Step]] | None = None
        self.total = config.steps or self._count(config.epochs or DEFAULT_EPOCHS)

    def features(self, number: int) -> FeatureSet:
        """Return the features of an epoch, counted from 0; only a mixture's differ by epoch."""
        return self._epoch(number)[1]

    def epoch(self, number: int) -> list[Step]:
        """Return the steps of an epoch, as indices of its `features`."""
        return self._epoch(number)[2]

    def _epoch(self, number: int) -> tuple[int, FeatureSet, list[Step]]:
        if self._kept is not None and self._kept[0] == number:
            return self._kept
        features: FeatureSet
        groups = None
        if isinstance(self._features, Mixture):
            features = draws = self._features.draw(number)
            groups = draws.groups
        else:
            features = self._features
        steps = plan_epoch(
            features.lengths,
            features.target_lengths if isinstance(features, PairSet) else None,
            groups,
            tokens=self._config.batch.tokens,
            examples=self._config.batch.examples,
            accumulate=self._config.gradient_accumulation_steps,
            seed=self._config.seed,
            epoch=number,
        )
        self._kept = (number, features, steps)
        return self._kept

    def _count(self, epochs: float) -> int:
        whole = sum(len(self.epoch(number)) for number in range(math.floor(epochs)))
        part = epochs - math.floor(epochs)
        if part:
            whole += round(part * len(self.epoch(math.floor(epochs))))
        return max(1, whole)
