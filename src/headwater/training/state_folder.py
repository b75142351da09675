"""The state folder: what a run needs to continue to the bit after a kill at any moment.

    state/latest                     one line: the name of the newest state
    state/step-00000200/             model.safetensors, optimizer.safetensors, state.json,
                                     manifest.json
    state/best-00000150/             model.safetensors, manifest.json
    state/finished                   JSON, once the run has ended

Of a sharded model tensors are in files of all processes (`training.shards`) instead of these two.

A state is written under a temporary name, synced, renamed, and only then does the pointer move,
by a rename too. Two states are kept. Nothing is pickled, and every file must have its SHA-256:
neither safetensors nor torch notices a flipped bit.
"""

import json
import logging
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from headwater.distributed.processes import ONE, each
from headwater.errors import UserError, listed
from headwater.files import MACHINE, replace_file, sweep, told, write_json
from headwater.memory_limit import memory_fault
from headwater.training import tensors
from headwater.training.identity import Identity, as_json, compare
from headwater.training.old_states import VERSION, as_version_2
from headwater.training.parallel import Copies, Parallel
from headwater.training.saved_state import (
    MODEL,
    OPTIMIZER,
    STATE,
    Damaged,
    SavedState,
    read_best,
    read_saved,
    read_train_state,
)
from headwater.training.shards import Shards
from headwater.training.train_state import TrainState

logger = logging.getLogger(__name__)

KEPT = 2


class StateFolder:
    """Writes, finds, checks and restores the states of one run.

    All processes of a run call it. The first alone reads and writes, but of a sharded model each
    its own part.

    Args:
        excluded: tensors of the model that never change and can be had again.
        parallel: how the model is spread; None: over nothing.
    """

    def __init__(
        self, path: Path, excluded: Collection[str] = (), parallel: Parallel | None = None
    ) -> None:
        self.path = path
        self._excluded = excluded
        self._parallel = parallel or Copies(nn.Identity(), ONE)
        self._processes = self._parallel.processes
        self._writer = self._parallel.writer()

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
        groups = {
            "model": tensors.of_model(model, self._excluded),
            "optimizer": tensors.of_optimizer(model, optimizer),
        }
        bests = state.best_steps

        def point() -> None:
            replace_file(self.path / "latest", f"{name}\n")
            self._prune(bests)

        text = json.dumps(content, allow_nan=False)
        self._writer.write(self.path / name, groups, {STATE: text}, point)

    def save_best(self, step: int, model: nn.Module) -> None:
        """Write the weights of the best evaluation so far; older ones go when a state is saved."""
        groups = {"model": tensors.of_model(model, self._excluded)}
        self._writer.write(self.path / _best(step), groups, {}, lambda: None)

    def wait(self) -> None:
        """Wait until all is written."""
        self._writer.wait()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Check that states can be written, and end in order what is still being written."""
        self._writer.check(self.path)
        try:
            yield
        finally:
            self._writer.close()

    def load_best(self, step: int, model: nn.Module) -> None:
        """Put the best weights back into the model."""
        folder, read = self.path / _best(step), list[Mapping[str, Tensor]]()

        def find() -> None:
            try:
                read.append(read_best(folder))
            except Damaged as error:
                raise UserError(f"{folder}: {error}; go on without it: --resume") from None

        self._processes.first(find)
        self._into_model(model, read[0] if read else None, folder)

    def restore(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, identity: Identity
    ) -> tuple[TrainState, dict[str, str]] | None:
        """Load the newest whole state; return it and the machine it was written on.

        Returns None where nothing has been saved.
        """
        read: list[SavedState] = []
        found = self._processes.first(lambda: self._find(read, identity))
        if found is None:
            return None
        state, machine = found
        folder, own = self.path / f"step-{state.step:08d}", read[0] if read else None
        self._into_model(model, None if own is None else own.model, folder)
        like = tensors.like_optimizer(model, optimizer)
        moments = self._to_all(folder / OPTIMIZER, None if own is None else own.optimizer, like)
        tensors.into_optimizer(model, optimizer, moments, str(folder), self._parallel.placed)
        self._processes.first(lambda: self._rewind(state))
        return state, machine

    def _find(
        self, read: list[SavedState], identity: Identity
    ) -> tuple[TrainState, dict[str, str]] | None:
        """Find the newest whole state, and put it into `read`: only numbers are for all."""
        sweep(self.path)
        names = state_names(self.path)
        whole, damaged = self._newest_whole(names)
        if whole is None and names:
            raise UserError(
                f"{self.path}: none of the saved states ({listed(names)}) is whole; "
                "start again in another folder"
            )
        if whole is None:
            return None
        compare(whole.identity, identity)
        if damaged:
            whole.state.forget_bests(damaged)
            logger.warning(
                "%s: damaged, and no state before them is whole; going on from step %s without "
                "them, so that the best evaluation from there on counts",
                ", ".join(str(self.path / _best(step)) for step in sorted(damaged)),
                whole.state.step,
            )
        read.append(whole)
        return whole.state, whole.machine

    def _into_model(self, model: nn.Module, own: Mapping[str, Tensor] | None, folder: Path) -> None:
        """Put what the first process has read into the model of all."""
        saved = self._to_all(folder / MODEL, own, tensors.of_model(model, self._excluded))
        tensors.into_model(model, saved, str(folder), self._excluded, self._parallel.placed)

    def _to_all(
        self, file: Path, own: Mapping[str, Tensor] | None, like: Mapping[str, Tensor]
    ) -> Mapping[str, Tensor]:
        """Return saved tensors to each process; parts are read from shards by each itself.

        Args:
            own: what the first process has read.
            like: where the tensors go.
        """
        in_shards = self._processes.first(lambda: isinstance(own, Shards))
        if not (in_shards and self._parallel.in_parts):
            return self._processes.sent(own)
        read: list[Shards] = []
        each(self._processes, lambda: read.append(Shards(file.parent, file.stem, like)))
        return read[0]

    def _newest_whole(self, names: Sequence[str]) -> tuple[SavedState | None, set[int]]:
        """Return the newest state that is whole with its best weights, else the newest that is.

        A best later than the state before is made again from there, to the bit. With the state
        come the steps whose best weights are damaged.
        """
        without: tuple[SavedState | None, set[int]] = None, set()
        for name in names:
            try:
                found = read_saved(self.path / name)
            except Damaged as error:
                logger.warning("%s: %s; using the state before it", self.path / name, error)
                continue
            damaged = {step for step in found.state.best_steps if not self._best_is_whole(step)}
            if not damaged:
                return found, set()
            if without[0] is None:
                without = found, damaged
        return without

    def _best_is_whole(self, step: int) -> bool:
        try:
            read_best(self.path / _best(step))
        except Damaged as error:
            logger.info("%s: %s", self.path / _best(step), error)
            return False
        return True

    @contextmanager
    def saying_what_is_saved(self) -> Iterator[None]:
        """Let the line about a full disk, or about no memory left, say what is not lost."""
        try:
            yield
        except OSError as error:
            if error.errno not in MACHINE:
                raise
            raise UserError(f"{told(error)}; {self._saved()}") from None
        except (MemoryError, RuntimeError) as error:
            if (line := memory_fault(error)) is None:
                raise
            raise UserError(f"{line}; {self._saved()}") from None

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

    def _rewind(self, state: TrainState) -> None:
        """Forget what comes after the restored state; it will be made again."""
        replace_file(self.path / "latest", f"step-{state.step:08d}\n")
        for folder in [*_folders(self.path, "step"), *_folders(self.path, "best")]:
            if int(folder.name.rpartition("-")[2]) > state.step:
                _remove(folder)

    def _prune(self, bests: Collection[int]) -> None:
        """Drop what is older than the state before, and all weights but these bests and its own."""
        states = _folders(self.path, "step")
        for folder in states[:-KEPT]:
            _remove(folder)
        wanted = {*bests}
        for folder in states[-KEPT:-1]:
            try:
                wanted |= read_train_state(folder).best_steps
            except Damaged:
                continue  # it is reported when the state is needed
        for folder in _folders(self.path, "best"):
            if int(folder.name.rpartition("-")[2]) not in wanted:
                _remove(folder)


def state_names(path: Path) -> list[str]:
    """Return the states of a folder, best first: that pointed to, those before it, then others."""
    names = [folder.name for folder in reversed(_folders(path, "step"))]
    try:
        pointer = (path / "latest").read_text("utf-8").strip()
    except (OSError, ValueError):
        return names
    if pointer not in names and names:
        logger.info("%s: %s", path / "latest", f"points to {pointer!r}, which is not there")
    return sorted(names, key=lambda name: (name > pointer, name != pointer))


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


def _folders(path: Path, kind: str) -> list[Path]:
    """Return those that a run made, the oldest first; a user may have put copies there."""
    folders = sorted(path.glob(f"{kind}-*"))
    return [each for each in folders if each.name.removeprefix(f"{kind}-").isdecimal()]


def _remove(folder: Path) -> None:
    """Remove a folder so that a kill midway leaves nothing that looks whole."""
    old = folder.with_name(f".{folder.name}.old")
    if old.exists():
        shutil.rmtree(old)
    os.replace(folder, old)
    shutil.rmtree(old)


def _best(step: int) -> str:
    return f"best-{step:08d}"
