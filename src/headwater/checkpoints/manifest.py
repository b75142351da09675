"""A sha256 of each weight file beside it: without one, a flipped bit loads silently."""

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


def check_manifest(folder: Path, names: Iterable[str]) -> None:
    """Compare those files with `manifest.json`, where the folder has one.

    Raises:
        UserError: a file is missing, is not in the manifest, or has changed.
    """
    path = folder / NAME
    if not path.exists():
        return
    sums = files.read_json(path)
    if not isinstance(sums, dict):
        raise UserError(f"{path}: {{file name: sha256}} was expected")
    for name in sorted({*names, *sums}):
        if not re.fullmatch(r"[\w.-]+", name) or not (folder / name).is_file():
            raise UserError(f"{folder / name}: is in {NAME} but missing; copy the folder again")
        if name not in sums:
            raise UserError(f"{folder / name}: is not in {NAME}; copy the folder again")
        if files.sha256(folder / name) != sums[name]:
            raise UserError(
                f"{folder / name}: damaged, its sha256 is not the one in {NAME}; copy it again "
                f"(or delete {NAME} if you changed the weights on purpose)"
            )
