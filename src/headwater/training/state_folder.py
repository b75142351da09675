"""The state folder: what a run needs to continue to the bit after a kill at any moment.

    state/latest                     one line: the name of the newest state
    state/step-00000200/             model.safetensors, optimizer.safetensors, state.json,
                                     manifest.json
    state/best-00000150/             model.safetensors, manifest.json
    state/finished                   JSON, once the run has ended

A state is written under a temporary name, synced, renamed, and only then does the pointer move,
by a rename too. Two states are kept. Nothing is pickled, and every file must have its SHA-256:
neither safetensors nor torch notices a flipped bit.
"""

import json
import logging
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from headwater import tensor_file
from headwater.errors import UserError
from headwater.files import (
    MACHINE,
    replace_file,
    replacing_folder,
    sha256,
    sweep,
    told,
    write_json,
)
from headwater.training import tensors
from headwater.training.identity import Identity, as_json, compare
from headwater.training.old_states import VERSION, as_version_2
from headwater.training.train_state import TrainState, best_steps

logger = logging.getLogger(__name__)

KEPT = 2
_MODEL, _OPTIMIZER, _STATE, _MANIFEST = (
    "model.safetensors",
    "optimizer.safetensors",
    "state.json",
    "manifest.json",
)


class Damaged(Exception):
    """A saved folder is not what was written."""


class StateFolder:
    """Writes, finds, checks and restores the states of one run.

    Args:
        excluded: tensors of the model that never change and can be had again.
    """

    def __init__(self, path: Path, excluded: Collection[str] = ()) -> None:
        self.path = path
        self._excluded = excluded

    def save(
        self,
        state: TrainState,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        identity: Identity,
        machine: Mapping[str, str],
    ) -> None:
        """Write a state, point to it, and drop what is older than the one before."""
        name = f"step-{state.step:08d}"
        content = {
            "version": VERSION,
            "state": state.to_json(),
            "identity": as_json(identity),
            "machine": {**machine},
        }
        with replacing_folder(self.path / name) as folder:
            tensor_file.write(folder / _MODEL, tensors.of_model(model, self._excluded))
            tensor_file.write(folder / _OPTIMIZER, tensors.of_optimizer(model, optimizer))
            (folder / _STATE).write_text(json.dumps(content, allow_nan=False), "utf-8")
            _write_manifest(folder)
        replace_file(self.path / "latest", f"{name}\n")
        self._prune(state)

    def save_best(self, step: int, model: nn.Module) -> None:
        """Write the weights of the best evaluation so far; older ones go when a state is saved."""
        with replacing_folder(self.path / f"best-{step:08d}") as folder:
            tensor_file.write(folder / _MODEL, tensors.of_model(model, self._excluded))
            _write_manifest(folder)

    def load_best(self, step: int, model: nn.Module) -> None:
        """Put the best weights back into the model."""
        folder = self.path / f"best-{step:08d}"
        try:
            _check(folder, {_MODEL})
        except Damaged as error:
            raise UserError(f"{folder}: {error}") from None
        self._load(model, folder)

    def restore(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, identity: Identity
    ) -> tuple[TrainState, dict[str, str]] | None:
        """Load the newest whole state; return it and the machine it was written on.

        Returns None where nothing has been saved.
        """
        sweep(self.path)
        names = self._names()
        for name in names:
            folder = self.path / name
            try:
                content = self._read(folder)
            except Damaged as error:
                logger.info("%s: %s; refused, using the state before it", folder, error)
                continue
            compare(content["identity"], identity)
            self._load(model, folder)
            tensors.into_optimizer(model, optimizer, tensor_file.read(folder / _OPTIMIZER))
            state = TrainState.from_json(content["state"])
            self._rewind(state)
            return state, content["machine"]
        if names:
            raise UserError(
                f"{self.path}: none of the saved states ({', '.join(names)}) is whole; "
                "start again in another folder"
            )
        return None

    def _load(self, model: nn.Module, folder: Path) -> None:
        tensors.into_model(model, tensor_file.read(folder / _MODEL), str(folder), self._excluded)

    @contextmanager
    def saying_what_is_saved(self) -> Iterator[None]:
        """Let the line about a disk that is full, or refuses otherwise, say what is not lost."""
        try:
            yield
        except OSError as error:
            if error.errno not in MACHINE:
                raise
            raise UserError(f"{told(error)}; {self._saved()}") from None

    def _saved(self) -> str:
        try:
            name = (self.path / "latest").read_text("utf-8").strip()
            step = int(name.removeprefix("step-"))
        except (OSError, ValueError):
            return "nothing was saved before"
        return f"what was trained up to step {step} is saved: mend this, and go on with --resume"

    def finish(self, outcome: Mapping[str, Any], identity: Identity) -> None:
        """Leave the mark that the run has ended."""
        content = {"version": VERSION, "outcome": {**outcome}, "identity": as_json(identity)}
        write_json(self.path / "finished", content)

    def finished(self, identity: Identity) -> dict[str, Any] | None:
        """Return how the run ended, if it has."""
        mark = _read_mark(self.path)
        if mark is None:
            return None
        compare(mark["identity"], identity)
        return dict(mark["outcome"])

    def _names(self) -> list[str]:
        """The states, best first: the one pointed to, those before it, then any others."""
        names = [folder.name for folder in reversed(self._folders("step"))]
        try:
            pointer = (self.path / "latest").read_text("utf-8").strip()
        except (OSError, ValueError):
            return names
        if pointer not in names and names:
            missing = f"points to {pointer!r}, which is not there"
            logger.info("%s: %s", self.path / "latest", missing)
        return sorted(names, key=lambda name: (name > pointer, name != pointer))

    def _read(self, folder: Path) -> dict[str, Any]:
        _check(folder, {_MODEL, _OPTIMIZER, _STATE})
        content = _read_state(folder)
        for best in best_steps(content["state"]):
            best_folder = self.path / f"best-{best:08d}"
            try:
                _check(best_folder, {_MODEL})
            except Damaged as error:
                raise Damaged(f"its best weights ({best_folder.name}): {error}") from None
        return content

    def _rewind(self, state: TrainState) -> None:
        """Forget what comes after the restored state; it will be made again."""
        replace_file(self.path / "latest", f"step-{state.step:08d}\n")
        for folder in [*self._folders("step"), *self._folders("best")]:
            if int(folder.name.rpartition("-")[2]) > state.step:
                _remove(folder)

    def _folders(self, kind: str) -> list[Path]:
        """Return those that a run made, the oldest first; a user may have put copies there."""
        folders = sorted(self.path.glob(f"{kind}-*"))
        return [each for each in folders if each.name.removeprefix(f"{kind}-").isdecimal()]

    def _prune(self, state: TrainState) -> None:
        states = self._folders("step")
        for folder in states[:-KEPT]:
            _remove(folder)
        wanted = best_steps(state.to_json())
        for folder in states[-KEPT:-1]:
            try:
                wanted |= best_steps(_read_state(folder)["state"])
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue  # damage is reported when the state is needed
        for folder in self._folders("best"):
            if int(folder.name.rpartition("-")[2]) not in wanted:
                _remove(folder)


def read_outcome(path: Path) -> dict[str, Any] | None:
    """Return how the run with this state folder ended, if it has."""
    mark = _read_mark(path)
    return None if mark is None else dict(mark["outcome"])


def _read_mark(path: Path) -> dict[str, Any] | None:
    """Read the mark of the end; without a readable one the end is simply made again."""
    try:
        mark = as_version_2(json.loads((path / "finished").read_text("utf-8")))
        return mark if {"identity", "outcome"} <= mark.keys() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _remove(folder: Path) -> None:
    """Remove a folder so that a kill midway leaves nothing that looks whole."""
    old = folder.with_name(f".{folder.name}.old")
    if old.exists():
        shutil.rmtree(old)
    os.replace(folder, old)
    shutil.rmtree(old)


def _read_state(folder: Path) -> dict[str, Any]:
    return as_version_2(json.loads((folder / _STATE).read_text("utf-8")))


def _write_manifest(folder: Path) -> None:
    sums = {item.name: sha256(item) for item in sorted(folder.iterdir())}
    (folder / _MANIFEST).write_text(json.dumps(sums, indent=1) + "\n", "utf-8")


def _check(folder: Path, expected: set[str]) -> None:
    try:
        sums = json.loads((folder / _MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        raise Damaged(f"{_MANIFEST} is missing or broken") from None
    if not isinstance(sums, dict) or set(sums) != expected:
        raise Damaged(f"{_MANIFEST} does not list the files of a state")
    for name, value in sums.items():
        try:
            real = sha256(folder / name)
        except OSError:
            raise Damaged(f"{name} is missing or cannot be read") from None
        if real != value:
            raise Damaged(f"{name} does not match its checksum")
