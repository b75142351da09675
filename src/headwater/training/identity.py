"""What a resumed run must have in common with its beginning: nested JSON, compared key by key.

Settings have the keys of a recipe; data, vocabularies and weights stand as their SHA-256.

States of version 0.1 are read here, too. There `state.json` and `finished` had no version, the
values of an identity were written by `repr`, and the numbers of the train state had other names.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from headwater.errors import UserError
from headwater.training.config import TrainingConfig

Identity = Mapping[str, Any]

_SHA256 = re.compile("[0-9a-f]{64}")
_DATA = ("data", "validation")  # fingerprints of what was read
_SHOWN = 5
_ABSENT = object()

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


def as_json(identity: Identity) -> dict[str, Any]:
    """Return an identity as a file gives it back: tuples as lists."""
    values: dict[str, Any] = json.loads(json.dumps(dict(identity), allow_nan=False))
    return values


def compare(before: Identity, now: Identity) -> None:
    """Refuse to continue another run, naming each difference."""
    found = {key: (was, value) for key, was, value in _differences(as_json(before), as_json(now))}
    settings = [key for key in found if key.partition(".")[0] not in _DATA]
    components = [key for key in found if key != "data.features"]
    # data follow from settings, and the features of a mixture from its components
    named = settings or components or list(found)
    if named:
        more = f" (and {len(named) - _SHOWN} more)" if len(named) > _SHOWN else ""
        texts = [_difference(key, *found[key]) for key in named[:_SHOWN]]
        raise UserError(
            f"cannot resume: {'; '.join(texts)}{more}. "
            "Put it back as it was, or start a new run in another folder"
        )


def _differences(before: Any, now: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the dotted key of each difference and both values, in the order of the keys."""
    if not all(each is _ABSENT or isinstance(each, dict) for each in (before, now)):
        if before != now:
            yield key, before, now
        return
    first, second = ({} if each is _ABSENT else each for each in (before, now))
    for name in sorted({*first, *second}):
        inner = f"{key}.{name}" if key else name
        yield from _differences(first.get(name, _ABSENT), second.get(name, _ABSENT), inner)


def _difference(key: str, was: Any, now: Any) -> str:
    if any(isinstance(each, str) and _SHA256.fullmatch(each) for each in (was, now)):
        return f"{key} has changed"
    return f"{key} was {_shown(was)}, is now {_shown(now)}"


def _shown(value: Any) -> str:
    return "not set" if value is _ABSENT else repr(value)


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
    new: dict[str, Any] = {"training": {}, "data": {}}
    for key, text in old.items():
        table, _, name = key.rpartition(".")
        if table == "training":
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
