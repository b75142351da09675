"""A sha256 of each file of a model beside it: without one, a flipped bit loads silently."""

import re
from collections.abc import Iterable
from pathlib import Path

from headwater import files
from headwater.errors import UserError

NAME = "manifest.json"


def write_manifest(folder: Path, names: Iterable[str]) -> None:
    """Write `manifest.json`, {file name: sha256}, for those files of the folder."""
    sums = {name: files.sha256(folder / name) for name in sorted(names)}
    files.write_json(folder / NAME, sums)


def check_weights(folder: Path, names: Iterable[str]) -> None:
    """Compare those weight files with `manifest.json`, where the folder has one.

    Raises:
        UserError: a file is missing, is not in the manifest, or has changed.
    """
    sums = _read(folder)
    if sums is None:
        return
    for name in sorted({*names, *filter(_holds_weights, sums)}):
        if name not in sums:
            raise UserError(f"{folder / name}: is not in {NAME}; copy the folder again")
        _compare(folder, name, sums[name])


def check_others(folder: Path) -> None:
    """Compare config.json and the vocabulary with `manifest.json`, where it lists them.

    To be called when all is read: what is plainly broken has been told of by then, more clearly.

    Raises:
        UserError: a file is missing or has changed.
    """
    for name, value in sorted((_read(folder) or {}).items()):
        if not _holds_weights(name):
            _compare(folder, name, value)


def _holds_weights(name: str) -> bool:
    return name.endswith(".safetensors")


def _read(folder: Path) -> dict[str, str] | None:
    path = folder / NAME
    if not path.exists():
        return None
    sums = files.read_json(path)
    if not isinstance(sums, dict):
        raise UserError(f"{path}: {{file name: sha256}} was expected")
    return sums


def _compare(folder: Path, name: str, value: str) -> None:
    if not re.fullmatch(r"[\w.-]+", name) or not (folder / name).is_file():
        raise UserError(f"{folder / name}: is in {NAME} but missing; copy the folder again")
    if files.sha256(folder / name) != value:
        raise UserError(
            f"{folder / name}: damaged, its sha256 is not the one in {NAME}; copy it again "
            f"(or delete {NAME} if you changed it on purpose)"
        )
