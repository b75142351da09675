"""Writing a model's folder: it appears whole or not at all, and a manifest holds what is in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from headwater.checkpoints.manifest import write_manifest
from headwater.checkpoints.weights import SINGLE, write_weights
from headwater.errors import UserError
from headwater.files import replacing_folder, write_json

EXTRA = "headwater.json"

Documents = Mapping[str, Mapping[str, Any]]
"""JSON objects by the names of their files."""


class Saveable(Protocol):
    """What a vocabulary must be able to do to travel with a model."""

    def save(self, folder: Path) -> None: ...


def write_folder(
    folder: Path,
    tensors: Mapping[str, Tensor],
    documents: Documents,
    *,
    weights: str = SINGLE,
    vocabulary: Saveable | None = None,
    beside: Documents | None = None,
) -> None:
    """Write tensors, JSON files and a vocabulary with their manifest.

    Args:
        folder: takes the place of an older folder of that name.
        documents: held to the manifest.
        weights: the name of the tensors' file.
        beside: not held to the manifest, so that they may be changed by hand.

    Raises:
        UserError: a tensor is not finite.
    """
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"{folder}: {name} is not finite as {tensor.dtype}; nothing was saved")
    with replacing_folder(folder) as temporary:
        for name, content in documents.items():
            write_json(temporary / name, content)
        write_weights(temporary, tensors, weights)
        if vocabulary is not None:
            vocabulary.save(temporary)
        write_manifest(temporary, [item.name for item in temporary.iterdir()])
        for name, content in (beside or {}).items():
            write_json(temporary / name, content)
