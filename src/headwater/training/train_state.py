"""What resuming needs besides weights: numbers that JSON carries exactly. Imports no torch."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from headwater.errors import UserError, listed
from headwater.training.config import TrainingConfig


@dataclass(slots=True)
class RunningStatistics:
    """Sums over some steps. Floats survive JSON to the bit, so a resumed mean is the same mean.

    padded_tokens: tokens with their padding.
    shares: of each loss, how much of what it was divided by it has itself; 1 for all of it.
    """

    steps: int = 0
    examples: int = 0
    tokens: int = 0
    padded_tokens: int = 0
    gradient_norm: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)

    def add(self, step: "RunningStatistics") -> None:
        self.steps += step.steps
        self.examples += step.examples
        self.tokens += step.tokens
        self.padded_tokens += step.padded_tokens
        self.gradient_norm += step.gradient_norm
        for name, value in step.losses.items():
            self.losses[name] = self.losses.get(name, 0.0) + value
            self.shares[name] = self.shares.get(name, 0.0) + step.shares[name]

    @property
    def loss(self) -> float:
        """The mean loss of a step."""
        return sum(self.losses.values()) / self.steps

    @property
    def mean_losses(self) -> dict[str, float]:
        """The mean of each loss over the steps that have it."""
        return {name: self.losses[name] / share for name, share in self.shares.items() if share}

    @property
    def padding(self) -> float:
        """The share of the tokens that is padding."""
        return 1.0 - self.tokens / self.padded_tokens if self.padded_tokens else 0.0


@dataclass(slots=True)
class TrainState:
    """The position in the data and in the schedule, and the best evaluations so far."""

    step: int = 0
    epoch: int = 0
    position: int = 0
    """Steps done in this epoch."""
    seconds: float = 0.0
    processor_seconds: float = 0.0
    """Of all threads of the process: other work on the machine does not lengthen them."""
    run_statistics: RunningStatistics = field(default_factory=RunningStatistics)
    epoch_statistics: RunningStatistics = field(default_factory=RunningStatistics)
    log_statistics: RunningStatistics = field(default_factory=RunningStatistics)
    """Since the last line of the log."""
    evaluated_step: int = 0
    """The last step that was evaluated."""
    best_step: int | None = None
    best_value: float | None = None
    followed_bests: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Step and value of the best evaluation by each metric that is followed besides."""
    evaluations_since_best: int = 0
    scaler: dict[str, int | float] = field(default_factory=dict)

    def add(self, step: RunningStatistics) -> None:
        """Count one step in all statistics."""
        for statistics in (self.run_statistics, self.epoch_statistics, self.log_statistics):
            statistics.add(step)

    def evaluation_due(self, config: TrainingConfig, total: int, steps_in_epoch: int) -> bool:
        """Tell whether the run is to be evaluated now: every so often, and always at its end."""
        if self.step == 0 or self.evaluated_step == self.step:
            return False
        if self.step >= total:
            return True
        if config.eval_steps is not None:
            return self.step % config.eval_steps == 0
        return self.position == steps_in_epoch

    def note_evaluation(
        self, metrics: Mapping[str, float], config: TrainingConfig, followed_metrics: Sequence[str]
    ) -> bool:
        """Note the metrics of the present weights; true where these are the best by any of them."""
        name = config.metric_for_best_model or next(iter(metrics), "none")
        if name not in metrics:
            known = listed(metrics) or "none"
            raise UserError(f"metric_for_best_model {name!r}: the evaluation gives {known}")
        self.evaluated_step = self.step
        followed = {
            metric: (self.step, metrics[metric])
            for metric in followed_metrics
            if _better(metrics[metric], self.followed_bests.get(metric, (0, None))[1], "highest")
        }
        self.followed_bests |= followed
        best = _better(metrics[name], self.best_value, config.best_is)
        self.evaluations_since_best = 0 if best else self.evaluations_since_best + 1
        if best:
            self.best_step, self.best_value = self.step, metrics[name]
        return best or bool(followed)

    @property
    def best_steps(self) -> set[int]:
        """The steps whose weights are needed besides those of the state itself."""
        steps = {step for step, _ in self.followed_bests.values()}
        return steps if self.best_step is None else steps | {self.best_step}

    def forget_bests(self, steps: Collection[int]) -> None:
        """Leave out the best evaluations of these steps: their weights are lost."""
        if self.best_step in steps:
            self.best_step = self.best_value = None
        kept = {name: best for name, best in self.followed_bests.items() if best[0] not in steps}
        self.followed_bests = kept

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def _better(value: float, before: float | None, best_is: str) -> bool:
    if not math.isfinite(value):
        return False
    return before is None or (value > before if best_is == "highest" else value < before)


def check_evaluations(config: TrainingConfig, metric_names: Sequence[str]) -> None:
    """Refuse settings of evaluations where nothing is measured."""
    for name in ("eval_steps", "metric_for_best_model", "early_stopping_patience"):
        value = getattr(config, name)
        if value is not None and not metric_names:
            raise UserError(
                f"training.{name} = {value!r}, but there is nothing to evaluate on; "
                f"give data.validation or data.validation_share, or leave training.{name} out"
            )
