"""The parts of a model on disk, written by one function. The folder appears whole or not at all.

config.json          sizes, architecture, labels; see `description.py`
model.safetensors    all tensors under the published names, or else only those that were trained:
    adapter_model.safetensors     the trained tensors
    method.json                   {"method": "lora", "settings": {"rank": 8, ...}}
    base.json                     {"name": "minilm", "path": "/models/minilm",
                                   "sha256": {"model.safetensors": "53aa..."}}
    adapter_config.json           for `peft`, where it knows the method
vocabulary files     as `Vocabulary.save` writes them; without a body none, where they are its own
manifest.json        sha256 of all of these
generation_config.json   how a model writes, unless its user says otherwise
headwater.json       what else must travel with the model, for example a threshold

`base.json` is not in the manifest: where the body has moved, write its new path there. Another
body in its place is noticed by the sha256 of its weights.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from headwater import tensor_file
from headwater.checkpoints.hub import ADAPTER, BUNDLED, resolve
from headwater.checkpoints.peft_folder import PeftFolder
from headwater.checkpoints.weights import (
    ENGINE,
    METHOD,
    SINGLE,
    TRAINED,
    weight_files,
    write_manifest,
)
from headwater.errors import UserError
from headwater.files import read_json, replacing_folder, sha256, write_json
from headwater.methods.config import MethodConfig
from headwater.paths import as_path, as_text, real
from headwater.text.vocabulary import Vocabulary

BASE = "base.json"
EXTRA = "headwater.json"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Base:
    """A body: its name as the user gave it, its folder or hub id, its weight files' sha256."""

    name: str
    path: str
    sha256: dict[str, str]

    @classmethod
    def of(cls, model: str) -> Self:
        """Describe the body of that name or folder; one saved without its own body is refused."""
        folder = resolve(model)
        refuse_adapted(folder)
        local = model not in BUNDLED and as_path(model).is_dir()
        path = as_text(real(folder) if local else model)
        return cls(as_text(model), path, weight_sums(folder))

    @property
    def folder(self) -> Path:
        """The folder, on this disk."""
        return resolve(self.path)

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read `base.json`."""
        base = read_json(file)
        if not isinstance(base, dict) or set(base) != {"name", "path", "sha256"}:
            raise UserError(f"{file}: an object with name, path and sha256 was expected")
        sums = base["sha256"]
        texts = [base["name"], base["path"], *(sums.values() if isinstance(sums, dict) else [None])]
        if not all(isinstance(each, str) and each for each in texts):
            raise UserError(f"{file}: texts were expected, and sha256 by file name")
        return cls(**base)


@dataclass(frozen=True, slots=True)
class Adaptation:
    """How a body was adapted, and which body that was."""

    config: MethodConfig
    base: Base

    def to_json(self) -> dict[str, Any]:
        """Return the content of `method.json`."""
        name = self.config.method
        return {"method": name, "settings": getattr(self.config, name).model_dump()}


def read_adaptation(folder: Path) -> Adaptation | None:
    """Read `method.json` and `base.json`; None where there is none, as with a whole model."""
    file = folder / METHOD
    if not file.exists():
        return None
    content = read_json(file)
    if not isinstance(content, dict) or set(content) != {"method", "settings"}:
        raise UserError(f"{file}: an object with method and settings was expected")
    method = content["method"]
    settings = {method: content["settings"]} if isinstance(method, str) else {}
    config = MethodConfig.check({"method": method, **settings}, str(file))
    return Adaptation(config, Base.read(folder / BASE))


def base_folder(adaptation: Adaptation, folder: Path) -> Path:
    """Return the folder of the body that `folder` was trained on."""
    base = adaptation.base
    try:
        return base.folder
    except UserError as error:
        raise UserError(
            f"{folder / BASE}: the body that this was trained on, {base.name}, is not at "
            f"{base.path}; write its new path there ({error})"
        ) from None


def find_base(adaptation: Adaptation, folder: Path) -> Path:
    """Return the folder of the body that `folder` was trained on, if it holds the same weights."""
    base, found = adaptation.base, base_folder(adaptation, folder)
    if weight_sums(found) != base.sha256:
        raise UserError(
            f"{found}: holds other weights than those that {folder} was trained on (their sha256 "
            f"is in its {BASE}); write the path of the right body there"
        )
    return found


def refuse_adapted(folder: Path) -> None:
    """Refuse a folder without a body where a whole model is needed."""
    adaptation = read_adaptation(folder)
    if adaptation is None:
        return
    method = adaptation.config.method
    merge = ", or merge both: headwater merge MODEL --output DIR" if method == "lora" else ""
    raise UserError(
        f"{folder}: holds only what method {method!r} trained, without its body; start from the "
        f"body itself, {adaptation.base.name}{merge}"
    )


def check_weights_are_there(folder: Path) -> None:
    """Refuse a folder without the files of tensors, before anything else is read."""
    if PeftFolder.find(folder) is None:
        weight_files(folder)


def weight_sums(folder: Path) -> dict[str, str]:
    """Return the sha256 of each weight file, and of the body's where it was saved without.

    Of an export it is that of what names its source.
    """
    adaptation, peft = read_adaptation(folder), PeftFolder.find(folder)
    if adaptation is not None:
        base = adaptation.base.sha256
    elif peft is not None:
        base = weight_sums(peft.base)
    elif (folder / ENGINE).exists():
        return {ENGINE: sha256(folder / ENGINE)}
    else:
        return {name: sha256(folder / name) for name in weight_files(folder)}
    return {TRAINED: sha256(folder / TRAINED), **{f"base/{key}": base[key] for key in base}}


def write_parts(
    folder: Path,
    config: Json,
    tensors: Mapping[str, Tensor],
    vocabulary: Vocabulary | None,
    free: Mapping[str, Json | None],
    adaptation: Adaptation | None = None,
    peft: Json | None = None,
    *,
    segments: bool = True,
    beside: Callable[[Path], None] | None = None,
) -> None:
    """Write a model's folder in the place of an older one; refuse tensors that are not finite.

    With an `adaptation`, `tensors` are only those that were trained.

    Args:
        free: further files by name, which may be changed by hand.
        segments: whether the body tells two texts apart by segment ids.
        beside: writes further files into the folder.
    """
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"{folder}: {name} is not finite as {tensor.dtype}; nothing was saved")
    documents = {"config.json": config}
    if adaptation is not None:
        documents[METHOD] = adaptation.to_json()
        free = {**free, BASE: asdict(adaptation.base)}
    if peft is not None:
        documents[ADAPTER] = peft
    with replacing_folder(folder) as temporary:
        tensor_file.write(temporary / (SINGLE if adaptation is None else TRAINED), tensors)
        write_others(temporary, documents, vocabulary, free, segments=segments)
        if beside is not None:
            beside(temporary)


def write_others(
    folder: Path,
    documents: Mapping[str, Json],
    vocabulary: Vocabulary | None,
    free: Mapping[str, Json | None],
    *,
    segments: bool,
) -> None:
    """Write what stands beside weights that are there already; see `write_parts`.

    The manifest is of all but what is `free`.
    """
    for name, content in documents.items():
        write_json(folder / name, content)
    if vocabulary is not None:
        vocabulary.save(folder, segments=segments)
    write_manifest(folder, [item.name for item in folder.iterdir()])
    for name, each in free.items():
        if each is not None:
            write_json(folder / name, dict(each))
