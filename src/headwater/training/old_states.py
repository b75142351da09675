"""States of version 0.1, read once and turned into those of today.

There `state.json` and `finished` had no version, the values of an identity were written by `repr`,
and the numbers of the train state had other names.
"""

import ast
from collections.abc import Mapping
from typing import Any

from headwater.training.config import BatchSize, TrainingConfig

VERSION = 2

_STATE = {
    "run": "run_statistics",
    "epoch_tally": "epoch_statistics",
    "window": "log_statistics",
    "evaluated": "evaluated_step",
    "bests": "followed_bests",
    "stale": "evaluations_since_best",
}
_STATISTICS = {"cells": "padded_tokens", "norm": "gradient_norm"}


def as_version_2(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `state.json` or `finished` holds in the form of version 2."""
    if content.get("version") == VERSION:
        return dict(content)
    new: dict[str, Any] = {**content, "version": VERSION}
    new["identity"] = _nested_identity(content["identity"])
    if "place" in content:
        new["state"] = _train_state(new.pop("place"))
    return new


def _train_state(place: Mapping[str, Any]) -> dict[str, Any]:
    state = _renamed(place, _STATE)
    for name in ("run_statistics", "epoch_statistics", "log_statistics"):
        state[name] = _renamed(state[name], _STATISTICS)
    return state


def _nested_identity(old: Mapping[str, str]) -> dict[str, Any]:
    """Nest `training.steps` and `data.TASK`; drop `recipe.`; read each value back."""
    batch: dict[str, Any] = {}
    new: dict[str, Any] = {"training": {"batch": batch}, "data": {}}
    for key, text in old.items():
        table, _, name = key.rpartition(".")
        if table == "training" and name in BatchSize.model_fields:
            batch[name] = _read_value(text)
        elif table == "training":
            new["training"][TrainingConfig.old_names.get(name, name)] = _read_value(text)
        elif table == "data":
            new["data"][name] = _read_value(text)
        elif key == "data":
            new["data"]["features"] = _read_value(text)
        else:
            new[name] = _read_value(text)
    return new | _named_validation(new)


def _named_validation(new: Mapping[str, Any]) -> dict[str, Any]:
    """Give what was measured the name of its task or objective, which pre-training left out."""
    validation, rows = new.get("validation", {}), new.get("validation_rows", {})
    if isinstance(validation, str):
        name = new.get("objective", "")
        measured = validation != "none"
        return {
            "validation": {name: validation} if measured else {},
            "validation_rows": {name: rows} if measured else {},
        }
    measured_rows = {name: most for name, most in rows.items() if name in validation}
    return {"validation": validation, "validation_rows": measured_rows}


def _read_value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text  # a fingerprint, which was not quoted


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in values.items()}
