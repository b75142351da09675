"""Reading and writing tensors: safetensors only, checked by the manifest. Nothing is unpickled.

The manifest is a sha256 of each file of a model: without one, a flipped bit loads silently.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from headwater import files, tensor_file
from headwater.errors import UserError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
MANIFEST = "manifest.json"
METHOD = "method.json"
TRAINED = "adapter_model.safetensors"
ENGINE = "engine.json"
"""What makes a folder an export, which holds no weights; see `engines.folder`."""
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "model.ckpt.index")


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Read all tensors of a folder, from one file or from shards."""
    names = weight_files(folder)
    _check_weights(folder, names)
    tensors: dict[str, Tensor] = {}
    for name in names:
        part = tensor_file.read(folder / name)
        twice = tensors.keys() & part.keys()
        if twice:
            raise UserError(f"{folder / name}: {min(twice)} is in another shard too")
        tensors.update(part)
    if names != [SINGLE]:
        _check_index(folder, tensors)
    return tensors


def read_file(folder: Path, name: str) -> dict[str, Tensor]:
    """Read all tensors of one file of a folder."""
    _check_weights(folder, [name])
    return tensor_file.read(folder / name)


def weight_files(folder: Path) -> list[str]:
    """Return the names of the files that hold a model's tensors: one, or its shards."""
    if (folder / SINGLE).is_file():
        return [SINGLE]
    if (folder / INDEX).is_file():
        return sorted(set(_weight_map(folder).values()))
    if (folder / ENGINE).exists():
        raise UserError(
            f"{folder}: an export, which runs and does no more; take the model that it was made of "
            f"(source in its {ENGINE})"
        )
    for name in PICKLES:
        if (folder / name).exists():
            raise UserError(
                f"{folder / name}: not a safetensors file, and code could hide in it; if you "
                "trust it, convert it with transformers: Auto... .from_pretrained(FOLDER)"
                ".save_pretrained(NEW_FOLDER)"
            )
    raise UserError(f"{folder}: holds no {SINGLE}")


def _weight_map(folder: Path) -> dict[str, str]:
    index = files.read_json(folder / INDEX)
    entries = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise UserError(f"{folder / INDEX}: has no weight_map")
    for name in entries.values():
        if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+\.safetensors", name):
            raise UserError(f"{folder / INDEX}: {name!r} is not the name of a safetensors file")
        if not (folder / name).is_file():
            raise UserError(f"{folder / name}: missing, but {INDEX} names it; fetch it again")
    return entries


def _check_index(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    different = tensors.keys() ^ _weight_map(folder).keys()
    if different:
        raise UserError(f"{folder / INDEX}: disagrees with its shards on {min(different)}")


def write_manifest(folder: Path, names: Iterable[str]) -> None:
    """Write `manifest.json`, {file name: sha256}, for those files of the folder."""
    sums = {name: files.sha256(folder / name) for name in sorted(names)}
    files.write_json(folder / MANIFEST, sums)


def check_others(folder: Path) -> None:
    """Compare config.json and the vocabulary with `manifest.json`, where it lists them.

    To be called when all is read: what is plainly broken has its own error then, a clearer one.
    """
    for name, value in sorted((_read_manifest(folder) or {}).items()):
        if not _holds_weights(name):
            _compare(folder, name, value)


def _check_weights(folder: Path, names: Iterable[str]) -> None:
    """Compare those weight files with `manifest.json`, where the folder has one."""
    sums = _read_manifest(folder)
    if sums is None:
        return
    for name in sorted({*names, *filter(_holds_weights, sums)}):
        if name not in sums:
            raise UserError(f"{folder / name}: is not in {MANIFEST}; copy the folder again")
        _compare(folder, name, sums[name])


def _holds_weights(name: str) -> bool:
    return name.endswith(".safetensors")


def _read_manifest(folder: Path) -> dict[str, str] | None:
    path = folder / MANIFEST
    if not path.exists():
        return None
    sums = files.read_json(path)
    if not isinstance(sums, dict):
        raise UserError(f"{path}: {{file name: sha256}} was expected")
    return sums


def _compare(folder: Path, name: str, value: str) -> None:
    if not re.fullmatch(r"[\w.-]+", name) or not (folder / name).is_file():
        raise UserError(f"{folder / name}: is in {MANIFEST} but missing; copy the folder again")
    if files.sha256(folder / name) != value:
        raise UserError(
            f"{folder / name}: damaged, its sha256 is not the one in {MANIFEST}; copy it again "
            f"(or delete {MANIFEST} if you changed it on purpose)"
        )
