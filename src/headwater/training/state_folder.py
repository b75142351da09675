"""The state folder: what a run needs to continue to the bit after a kill at any moment.

    state/latest                     one line: the name of the newest state
    state/step-00000200/             model.safetensors, optimizer.safetensors, state.json,
                                     manifest.json
    state/best-00000150/             model.safetensors, manifest.json
    state/finished                   JSON, once the run has ended

A state is written under a temporary name, synced, renamed, and only then does the pointer move,
by a rename too. Two states are kept. Nothing is pickled, and every file is held to its SHA-256:
neither safetensors nor torch notices a flipped bit.
"""

import ast
import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from headwater.errors import UserError
from headwater.files import replace_file, replacing_folder, sha256, write_json
from headwater.training import tensors
from headwater.training.train_state import Place, best_steps

KEPT = 2
_MODEL, _OPTIMIZER, _STATE, _MANIFEST = (
    "model.safetensors",
    "optimizer.safetensors",
    "state.json",
    "manifest.json",
)
Identity = Mapping[str, str]
_DIGEST = re.compile("'?[0-9a-f]{64}'?")
_ROWS = ("data", "validation")  # fingerprints of what was read


class Damaged(Exception):
    """A saved folder is not what was written."""


class StateFolder:
    """Writes, finds, checks and restores the states of one run.

    Args:
        without: tensors of the model that never change and are kept elsewhere.
    """

    def __init__(
        self, path: Path, say: Callable[[str], None], without: Collection[str] = ()
    ) -> None:
        self.path = path
        self._say = say
        self._without = without

    def save(
        self,
        place: Place,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        identity: Identity,
        machine: Identity,
    ) -> None:
        """Write a state, point to it, and drop what is older than the one before.

        Raises:
            UserError: the disk is full or refuses; the states before are untouched.
        """
        name = f"step-{place.step:08d}"
        content = {"place": place.to_json(), "identity": {**identity}, "machine": {**machine}}
        try:
            with replacing_folder(self.path / name) as folder:
                tensors.write(folder / _MODEL, tensors.of_model(model, self._without))
                tensors.write(folder / _OPTIMIZER, tensors.of_optimizer(model, optimizer))
                (folder / _STATE).write_text(json.dumps(content, allow_nan=False), "utf-8")
                _write_manifest(folder)
            replace_file(self.path / "latest", f"{name}\n")
        except OSError as error:
            raise UserError(
                f"{self.path / name}: cannot be written ({error.strerror or error})"
            ) from None
        self._prune(place)

    def save_best(self, step: int, model: nn.Module) -> None:
        """Write the weights of the best evaluation so far; older ones go when a state is saved."""
        path = self.path / f"best-{step:08d}"
        try:
            with replacing_folder(path) as folder:
                tensors.write(folder / _MODEL, tensors.of_model(model, self._without))
                _write_manifest(folder)
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from None

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
    ) -> tuple[Place, dict[str, str]] | None:
        """Load the newest whole state; return its place and the machine it was written on.

        Returns None where nothing has been saved.

        Raises:
            UserError: the run is another one (the difference is named), or no state is whole.
        """
        sweep(self.path)
        names = self._names()
        for name in names:
            folder = self.path / name
            try:
                content = self._read(folder)
            except Damaged as error:
                self._say(f"{folder}: {error}; refused, using the state before it")
                continue
            compare(content["identity"], identity)
            self._load(model, folder)
            tensors.into_optimizer(model, optimizer, tensors.read(folder / _OPTIMIZER))
            place = Place.from_json(content["place"])
            self._rewind(place)
            return place, content["machine"]
        if names:
            raise UserError(
                f"{self.path}: none of the saved states ({', '.join(names)}) is whole; "
                "start again in another folder"
            )
        return None

    def _load(self, model: nn.Module, folder: Path) -> None:
        tensors.into_model(model, tensors.read(folder / _MODEL), str(folder), self._without)

    def finish(self, outcome: Mapping[str, Any], identity: Identity) -> None:
        """Leave the mark that the run has ended."""
        content = {"outcome": {**outcome}, "identity": {**identity}}
        write_json(self.path / "finished", content)

    def finished(self, identity: Identity) -> dict[str, Any] | None:
        """Return how the run ended, if it has.

        Raises:
            UserError: it was another run; the difference is named.
        """
        try:
            mark = json.loads((self.path / "finished").read_text("utf-8"))
            before, outcome = dict(mark["identity"]), dict(mark["outcome"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # without a readable mark the end is simply made again
        compare(before, identity)
        return outcome

    def _names(self) -> list[str]:
        """The states, best first: the one pointed to, those before it, then any others."""
        names = [folder.name for folder in reversed(self._folders("step"))]
        try:
            pointer = (self.path / "latest").read_text("utf-8").strip()
        except (OSError, ValueError):
            return names
        if pointer not in names and names:
            self._say(f"{self.path / 'latest'}: points to {pointer!r}, which is not there")
        return sorted(names, key=lambda name: (name > pointer, name != pointer))

    def _read(self, folder: Path) -> dict[str, Any]:
        _check(folder, {_MODEL, _OPTIMIZER, _STATE})
        content: dict[str, Any] = json.loads((folder / _STATE).read_text("utf-8"))
        for best in best_steps(content["place"]):
            best_folder = self.path / f"best-{best:08d}"
            try:
                _check(best_folder, {_MODEL})
            except Damaged as error:
                raise Damaged(f"its best weights ({best_folder.name}): {error}") from None
        return content

    def _rewind(self, place: Place) -> None:
        """Forget what comes after the restored state; it will be made again."""
        replace_file(self.path / "latest", f"step-{place.step:08d}\n")
        for folder in [*self._folders("step"), *self._folders("best")]:
            if int(folder.name.rpartition("-")[2]) > place.step:
                _remove(folder)

    def _folders(self, kind: str) -> list[Path]:
        """Return those that a run made, the oldest first; a user may have put copies beside."""
        folders = sorted(self.path.glob(f"{kind}-*"))
        return [each for each in folders if each.name.removeprefix(f"{kind}-").isdecimal()]

    def _prune(self, place: Place) -> None:
        states = self._folders("step")
        for folder in states[:-KEPT]:
            _remove(folder)
        wanted = best_steps(place.to_json())
        for folder in states[-KEPT:-1]:
            try:
                wanted |= best_steps(json.loads((folder / _STATE).read_text("utf-8"))["place"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # a damaged one is told of when it is needed
        for folder in self._folders("best"):
            if int(folder.name.rpartition("-")[2]) not in wanted:
                _remove(folder)


def compare(before: Identity, now: Identity) -> None:
    """Refuse to continue another run, naming each difference.

    Raises:
        UserError: a key differs, is new or has gone.
    """
    differing = {key for key in {*before, *now} if before.get(key) != now.get(key)}
    one, other = ({key: each[key] for key in differing & each.keys()} for each in (before, now))
    was, is_now = _leaves(one), _leaves(other)
    changed = [key for key in sorted({*was, *is_now}) if was.get(key) != is_now.get(key)]
    settings = [key for key in changed if key.partition(".")[0] not in _ROWS]
    parts = [key for key in changed if key != "data"]
    changed = settings or parts or changed  # rows follow from settings, and all rows from parts
    differences = [
        _difference(key, was.get(key, "not set"), is_now.get(key, "not set")) for key in changed
    ]
    if differences:
        more = f" (and {len(differences) - 5} more)" if len(differences) > 5 else ""
        raise UserError(
            f"cannot resume: {'; '.join(differences[:5])}{more}. "
            "Put it back as it was, or start a new run in another folder"
        )


def _difference(key: str, was: str, is_now: str) -> str:
    digest = _DIGEST.fullmatch(was) or _DIGEST.fullmatch(is_now)
    return f"{key} has changed" if digest else f"{key} was {was}, is now {is_now}"


def _leaves(values: Identity) -> dict[str, str]:
    """Return values by the keys of a recipe, each key of a table on its own.

    >>> _leaves({"recipe.lm": "{'length': 512, 'packing': False}"})
    {'lm.length': '512', 'lm.packing': 'False'}
    """
    found: dict[str, str] = {}
    for name, text in values.items():
        key = name.removeprefix("recipe.")
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            value = None
        if isinstance(value, dict) and value:
            found |= _leaves({f"{key}.{each}": repr(inner) for each, inner in value.items()})
        else:
            found[key] = text
    return found


def sweep(folder: Path, names: Iterable[str] = ("*",)) -> None:
    """Remove the temporary forms of these names that a kill left behind.

    Only the state folder is ours alone: anywhere else the names must be given.
    """
    for pattern in (f".{name}{end}" for name in names for end in (".tmp", ".old")):
        for item in folder.glob(pattern):
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()


def _remove(folder: Path) -> None:
    """Remove a folder so that a kill midway leaves nothing that looks whole."""
    aside = folder.with_name(f".{folder.name}.old")
    if aside.exists():
        shutil.rmtree(aside)
    os.replace(folder, aside)
    shutil.rmtree(aside)


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
