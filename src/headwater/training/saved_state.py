"""One folder of a saved state: its files against their SHA-256, and what `state.json` says.

Tensors are in `model.safetensors` and `optimizer.safetensors`, or in shards of both.

Whoever can change a file can change its checksum too, so nothing that is read is trusted.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from headwater import tensor_file
from headwater.config_problems import dotted, expected
from headwater.errors import UserError
from headwater.files import read_json, sha256
from headwater.training.old_states import VERSION, as_version_2
from headwater.training.shards import SHARD, Shards
from headwater.training.train_state import TrainState

MODEL, OPTIMIZER, STATE, MANIFEST = (
    "model.safetensors",
    "optimizer.safetensors",
    "state.json",
    "manifest.json",
)


class Damaged(Exception):
    """A saved folder is not what was written."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """What a state folder holds, but for its best weights.

    Tensors in shards are read when they are asked for, whole.
    """

    state: TrainState
    identity: dict[str, Any]
    machine: dict[str, str]
    model: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]


def read_saved(folder: Path) -> SavedState:
    """Read a state; `Damaged` where it is not whole."""
    _check_manifest(folder, {MODEL, OPTIMIZER}, {STATE})
    content = _read_content(folder)
    identity, machine = content.get("identity"), content.get("machine")
    if not isinstance(identity, dict) or not isinstance(machine, dict):
        raise Damaged(f"{STATE} has no identity or no machine")
    state = _train_state(content, folder)
    model, optimizer = _read_tensors(folder / MODEL), _read_tensors(folder / OPTIMIZER)
    return SavedState(state, identity, machine, model, optimizer)


def read_best(folder: Path) -> Mapping[str, Tensor]:
    """Read the weights of a best evaluation; `Damaged` where they are not whole."""
    _check_manifest(folder, {MODEL}, set())
    return _read_tensors(folder / MODEL)


def read_weights(folder: Path) -> Mapping[str, Tensor]:
    """Read the weights of a state, or of a best evaluation; `Damaged` where it is not whole."""
    if not (folder / STATE).exists():
        return read_best(folder)
    _check_manifest(folder, {MODEL, OPTIMIZER}, {STATE})
    return _read_tensors(folder / MODEL)


def read_train_state(folder: Path) -> TrainState:
    """Read the position and the best evaluations of a state alone."""
    return _train_state(_read_content(folder), folder)


def _train_state(content: Mapping[str, Any], folder: Path) -> TrainState:
    state = _checked(content.get("state"))
    if state.step != int(folder.name.rpartition("-")[2]):
        raise Damaged(f"{STATE} is of step {state.step}")
    return state


def _read_content(folder: Path) -> dict[str, Any]:
    """Return what `state.json` holds, in the form of this version."""
    try:
        content = read_json(folder / STATE)
        version = content.get("version", VERSION)
        if version != VERSION:
            raise Damaged(f"{STATE} is of version {version!r}; this headwater reads {VERSION}")
        return as_version_2(content)
    except UserError as error:
        raise Damaged(str(error).removeprefix(f"{folder}/")) from None
    except (AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError):
        raise Damaged(f"{STATE} is not the content of a state") from None


def _read_tensors(file: Path) -> Mapping[str, Tensor]:
    """Read a file of tensors, or what shards hold of it; the checksums are right."""
    try:
        return tensor_file.read(file) if file.exists() else Shards(file.parent, file.stem)
    except UserError as error:
        told = str(error).removeprefix(f"{file.parent}/").removeprefix(f"{file.parent}: ")
        raise Damaged(told) from None


def write_manifest(folder: Path, known: Mapping[str, str]) -> None:
    """Write the SHA-256 of every file of a folder beside them; some may be known."""
    names = sorted({item.name for item in folder.iterdir()} | known.keys())
    sums = {name: known.get(name) or sha256(folder / name) for name in names}
    (folder / MANIFEST).write_text(json.dumps(sums, indent=1) + "\n", "utf-8")


def _check_manifest(folder: Path, whole: set[str], others: set[str]) -> None:
    """Compare the files of a folder with its manifest.

    Args:
        whole: the files of tensors where they are not in shards.
        others: those that stand beside them.
    """
    try:
        sums = read_json(folder / MANIFEST)
    except UserError:
        raise Damaged(f"{MANIFEST} is missing or broken") from None
    if not isinstance(sums, dict) or not _is_complete(set(sums), whole, others):
        raise Damaged(f"{MANIFEST} does not list the files of a state")
    tensors = {item.name for item in folder.glob("*.safetensors")}
    if whole.isdisjoint(sums) and (extra := tensors.difference(sums)):  # shards: all are read
        raise Damaged(f"{MANIFEST} does not list {min(extra)}")
    for name, value in sums.items():
        try:
            real = sha256(folder / name) if (folder / name).is_file() else None  # no pipe or device
        except OSError:
            real = None
        if real is None:
            raise Damaged(f"{name} is missing or cannot be read")
        if real != value:
            raise Damaged(f"{name} does not match its checksum")


def _is_complete(names: set[str], whole: set[str], others: set[str]) -> bool:
    """Tell whether these are the files of a state, with its tensors whole or in shards."""
    shards = {name for name in names if SHARD.fullmatch(name)}
    return names == others | (shards or whole)


_VALUES = TypeAdapter(TrainState)


def _checked(values: Any) -> TrainState:
    """Return a train state; what is not its numbers is refused."""
    try:
        found = _VALUES.validate_json(json.dumps(values, allow_nan=False), strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        key = dotted([*map(str, problem["loc"])]) or "state"
        raise Damaged(f"{STATE}: {key}: {expected(problem)}") from None
    counts = (found.step, found.epoch, found.position, found.evaluated_step)
    statistics = (found.run_statistics, found.epoch_statistics, found.log_statistics)
    bests = [step for step, _ in found.followed_bests.values()]
    bests += [] if found.best_step is None else [found.best_step]
    if min(*counts, *(each.steps for each in statistics), *bests) < 0:
        raise Damaged(f"{STATE}: a count is negative")
    if max((found.evaluated_step, *bests)) > found.step:
        raise Damaged(f"{STATE}: an evaluation comes after step {found.step}")
    if (found.best_step is None) != (found.best_value is None):
        raise Damaged(f"{STATE}: the best step and its value go together")
    if any(each.losses.keys() != each.shares.keys() for each in statistics):
        raise Damaged(f"{STATE}: losses and shares differ in their names")
    return found
