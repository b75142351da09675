"""The parts of a model on disk, written by one function. The folder appears whole or not at all.

config.json          sizes, architecture, labels; see `description.py`
model.safetensors    all tensors under the published names, or else only those that were trained:
    adapter_model.safetensors     the trained tensors
    method.json, base.json        how they were trained, and on which body; see `adaptation.py`
    adapter_config.json           for `peft`, where it knows the method
vocabulary files     as `Vocabulary.save` writes them
manifest.json        sha256 of all of these but base.json
headwater.json       what else must travel with the model, for example a threshold
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headwater.checkpoints.adaptation import BASE, METHOD, Adaptation
from headwater.checkpoints.weights import SINGLE, write_manifest, write_weights
from headwater.errors import UserError
from headwater.files import replacing_folder, write_json
from headwater.text.vocabulary import Vocabulary

EXTRA = "headwater.json"
TRAINED = "adapter_model.safetensors"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelParts:
    """What is written: see above.

    tensors: of the whole model; with an `adaptation`, only those that were trained.
    extra: the content of headwater.json; None: no such file.
    """

    config: Json
    tensors: Mapping[str, Tensor]
    vocabulary: Vocabulary | None = None
    extra: Json | None = None
    adaptation: Adaptation | None = None
    peft: Json | None = None


def write_parts(folder: Path, parts: ModelParts) -> None:
    """Write a model's folder in the place of an older one; refuse tensors that are not finite."""
    for name, tensor in parts.tensors.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"{folder}: {name} is not finite as {tensor.dtype}; nothing was saved")
    adaptation, free = parts.adaptation, {}  # `free` may be changed by hand
    documents = {"config.json": parts.config}
    if adaptation is not None:
        documents[METHOD], free[BASE] = adaptation.to_json(), asdict(adaptation.base)
    if parts.peft is not None:
        documents["adapter_config.json"] = parts.peft
    if parts.extra is not None:
        free[EXTRA] = dict(parts.extra)
    with replacing_folder(folder) as temporary:
        for name, content in documents.items():
            write_json(temporary / name, content)
        write_weights(temporary, parts.tensors, SINGLE if adaptation is None else TRAINED)
        if parts.vocabulary is not None:
            parts.vocabulary.save(temporary)
        write_manifest(temporary, [item.name for item in temporary.iterdir()])
        for name, content in free.items():
            write_json(temporary / name, content)
