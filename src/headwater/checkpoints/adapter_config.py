"""What was trained, saved without the body that it was trained on.

config.json                   of the whole model, as if it were saved whole
adapter_model.safetensors     exactly the trained tensors
method.json                   how it was adapted: {"method": "lora", "settings": {"rank": 8, ...}}
base.json                     which body that was: {"name": "minilm", "path": "/models/minilm",
                              "sha256": {"model.safetensors": "53aa..."}}
manifest.json, vocabulary, headwater.json     as in the folder of a whole model

`base.json` is not in the manifest: where the body has moved, write its new path there. Another
body in its place is noticed by the sha256 of its weights.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from torch import Tensor

from headwater.checkpoints.hub import BUNDLED, resolve
from headwater.checkpoints.weights import read_file, weight_files
from headwater.checkpoints.writing import EXTRA, Documents, Saveable, write_folder
from headwater.errors import UserError
from headwater.files import read_json, sha256
from headwater.methods.config import MethodConfig

METHOD = "method.json"
BASE = "base.json"
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Base:
    """A body: what the user called it, where it is (or its hub id), its weight files' sha256."""

    name: str
    path: str
    sha256: dict[str, str]

    @classmethod
    def of(cls, model: str) -> Self:
        """Describe the body of that name or folder.

        Raises:
            UserError: there is none, or it is itself what was trained on another.
        """
        folder = resolve(model)
        refuse_adapted(folder)
        local = model not in BUNDLED and Path(model).is_dir()
        return cls(model, str(folder.resolve()) if local else model, weight_sums(folder))


@dataclass(frozen=True, slots=True)
class Adapted:
    """How a body was adapted, and which body that was."""

    config: MethodConfig
    base: Base

    def to_json(self) -> dict[str, Any]:
        """Return the content of `method.json`."""
        name = self.config.method
        return {"method": name, "settings": getattr(self.config, name).model_dump()}


def save_adapted(
    folder: Path,
    adapted: Adapted,
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    *,
    documents: Documents | None = None,
    vocabulary: Saveable | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write such a folder, whole or not at all.

    Args:
        config: the content of config.json.
        tensors: those that were trained, by their names in the file.
        documents: other JSON files.
        extra: of `headwater.json`.

    Raises:
        UserError: a tensor is not finite.
    """
    beside = {BASE: asdict(adapted.base)} | ({} if extra is None else {EXTRA: extra})
    write_folder(
        folder,
        tensors,
        {"config.json": config, METHOD: adapted.to_json(), **(documents or {})},
        weights=WEIGHTS,
        vocabulary=vocabulary,
        beside=beside,
    )


def read_adapted(folder: Path) -> Adapted | None:
    """Read `method.json` and `base.json`; None where there is none, as beside a whole model.

    Raises:
        UserError: one is broken.
    """
    where = folder / METHOD
    if not where.exists():
        return None
    content = read_json(where)
    if not isinstance(content, dict) or set(content) != {"method", "settings"}:
        raise UserError(f"{where}: an object with method and settings was expected")
    method = content["method"]
    settings = {method: content["settings"]} if isinstance(method, str) else {}
    config = MethodConfig.check({"method": method, **settings}, str(where))
    return Adapted(config, _read_base(folder / BASE))


def _read_base(where: Path) -> Base:
    base = read_json(where)
    if not isinstance(base, dict) or set(base) != {"name", "path", "sha256"}:
        raise UserError(f"{where}: an object with name, path and sha256 was expected")
    sums = base["sha256"]
    texts = [base["name"], base["path"], *(sums.values() if isinstance(sums, dict) else [None])]
    if not all(isinstance(each, str) and each for each in texts):
        raise UserError(f"{where}: texts were expected, and sha256 by file name")
    return Base(**base)


def read_trained(folder: Path, asked: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of such a folder, by their names in the file.

    Args:
        asked: the model's own, of the same names and shapes.

    Raises:
        UserError: the file is missing or damaged, or its tensors are not those of the model.
    """
    tensors = read_file(folder, WEIGHTS)
    found, wanted = ({n: tuple(t.shape) for n, t in each.items()} for each in (tensors, asked))
    for name in sorted({*wanted, *found}):
        has, wants = (each.get(name, "nothing") for each in (found, wanted))
        if has != wants:
            raise UserError(f"{folder / WEIGHTS}: {name} is {has}, {wants} was expected")
    return tensors


def find_base(adapted: Adapted, folder: Path) -> Path:
    """Return the folder of the body that `folder` was trained on.

    Raises:
        UserError: it is gone, or holds other weights by now.
    """
    base, where = adapted.base, folder / BASE
    try:
        found = resolve(base.path)
    except UserError as error:
        raise UserError(
            f"{where}: the body that this was trained on, {base.name}, is not at {base.path}; "
            f"write its new place into path ({error})"
        ) from None
    if weight_sums(found) != base.sha256:
        raise UserError(
            f"{found}: holds other weights than those that {folder} was trained on (their sha256 "
            f"is in its {BASE}); write the place of the right body into path there"
        )
    return found


def refuse_adapted(folder: Path) -> None:
    """Refuse a folder without a body where a whole model is needed.

    Raises:
        UserError: it is one.
    """
    adapted = read_adapted(folder)
    if adapted is None:
        return
    method = adapted.config.method
    merge = ", or merge both: headwater merge MODEL --output DIR" if method == "lora" else ""
    raise UserError(
        f"{folder}: holds only what method {method!r} trained, without its body; start from the "
        f"body itself, {adapted.base.name}{merge}"
    )


def weight_sums(folder: Path) -> dict[str, str]:
    """Return the sha256 of each weight file of a whole model."""
    return {name: sha256(folder / name) for name in weight_files(folder)}
