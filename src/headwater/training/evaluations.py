"""When a run is evaluated, and which of its weights are the best."""

import math
from collections.abc import Mapping, Sequence

from headwater.errors import UserError
from headwater.training.config import TrainingConfig
from headwater.training.train_state import TrainState


def check_evaluations(config: TrainingConfig, metric_names: Sequence[str]) -> None:
    """Refuse settings of evaluations where nothing is measured."""
    for name in ("eval_steps", "metric_for_best_model", "early_stopping_patience"):
        value = getattr(config, name)
        if value is not None and not metric_names:
            raise UserError(
                f"training.{name} = {value!r}, but there is nothing to evaluate on; "
                f"give data.validation or data.validation_share, or leave training.{name} out"
            )


def evaluation_due(
    state: TrainState, config: TrainingConfig, total: int, steps_in_epoch: int
) -> bool:
    """Tell whether the run is to be evaluated now: every so often, and always at its end."""
    if state.step == 0 or state.evaluated_step == state.step:
        return False
    if state.step >= total:
        return True
    if config.eval_steps is not None:
        return state.step % config.eval_steps == 0
    return state.position == steps_in_epoch


def note_evaluation(
    state: TrainState,
    metrics: Mapping[str, float],
    config: TrainingConfig,
    followed_metrics: Sequence[str],
) -> bool:
    """Note the metrics of the present weights; true where these are the best by any of them."""
    name = config.metric_for_best_model or next(iter(metrics), "none")
    if name not in metrics:
        known = ", ".join(metrics) or "none"
        raise UserError(f"metric_for_best_model {name!r}: the evaluation gives {known}")
    state.evaluated_step = state.step
    followed = {
        metric: (state.step, metrics[metric])
        for metric in followed_metrics
        if _better(metrics[metric], _followed_best(state, metric), "highest")
    }
    best = _better(metrics[name], state.best_value, config.best_is)
    state.followed_bests |= followed
    state.evaluations_since_best = 0 if best else state.evaluations_since_best + 1
    if best:
        state.best_step, state.best_value = state.step, metrics[name]
    return best or bool(followed)


def _followed_best(state: TrainState, metric: str) -> float | None:
    return state.followed_bests[metric][1] if metric in state.followed_bests else None


def _better(value: float, before: float | None, best_is: str) -> bool:
    if not math.isfinite(value):
        return False
    return before is None or (value > before if best_is == "highest" else value < before)
