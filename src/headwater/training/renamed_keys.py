"""The keys of `[training]` that have a new name; version 0.1 wrote the old ones. Imports no torch.

Each is taken under its old name for one version more.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from headwater.errors import UserError

logger = logging.getLogger(__name__)

RENAMED = {
    "accumulate": "gradient_accumulation_steps",
    "clip": "max_grad_norm",
    "beta1": "adam_beta1",
    "beta2": "adam_beta2",
    "eps": "adam_epsilon",
    "evaluate_every": "eval_steps",
    "save_every": "save_steps",
    "log_every": "logging_steps",
    "best_metric": "metric_for_best_model",
    "early_stop": "early_stopping_patience",
}


def with_new_names(training: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the table `[training]` under the new names, and name them in a warning."""
    old = [key for key in training if key in RENAMED]
    for key in old:
        if RENAMED[key] in training:
            raise UserError(
                f"{where}: training.{key} is the old name of training.{RENAMED[key]}; "
                "give the new one alone"
            )
    if old:
        _warn(where, old)
    return {RENAMED.get(key, key): value for key, value in training.items()}


def new_override(override: str) -> str:
    """Return a `--set` text under the new name of its key."""
    key, equals, value = override.partition("=")
    table, _, name = key.strip().rpartition(".")
    if table != "training" or name not in RENAMED:
        return override
    _warn(f"--set {override}", [name])
    return f"training.{RENAMED[name]}{equals}{value}"


def _warn(where: str, old: Sequence[str]) -> None:
    names = ", ".join(f"training.{key} is now training.{RENAMED[key]}" for key in old)
    logger.warning("%s: %s; the old name goes with the next version", where, names)
