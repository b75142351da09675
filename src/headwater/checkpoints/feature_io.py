"""A small model on a body's features, on disk without the body (see `adapted.py`).

config.json has beside the body's own keys what the small model gives:

    {"model_type": "elmo", ..., "features": {"kind": "token", "labels": ["O", "B-person"],
                                             "pairs": false}}
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from headwater.checkpoints.adapter_config import Adapted, read_trained, save_adapted
from headwater.checkpoints.folder import LoadedCheckpoint, model_json
from headwater.checkpoints.manifest import check_others
from headwater.checkpoints.writing import Saveable
from headwater.config import Config
from headwater.files import read_json
from headwater.models.build import Model
from headwater.models.feature_model import FeatureModel, Kind
from headwater.models.layer_outputs import bare_body


class _Head(Config):
    """What the small model gives; see `FeatureModel`."""

    kind: Kind
    labels: list[str]
    pairs: bool


def save_featured(
    folder: Path,
    model: FeatureModel,
    adapted: Adapted,
    *,
    vocabulary: Saveable | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write the small model, and which body's features it reads.

    Raises:
        UserError: a tensor is not finite.
    """
    head = _Head(kind=model.kind, labels=list(model.labels), pairs=model.pairs)
    config = model_json(model.body) | {"features": head.model_dump()}
    tensors = model.small()
    save_adapted(folder, adapted, config, tensors, vocabulary=vocabulary, extra=extra)


def featured(body: Model, folder: Path, adapted: Adapted) -> LoadedCheckpoint:
    """Put the small model of a folder on a body, alone or with any head, which stays as it is.

    Raises:
        UserError: the folder is damaged, or its tensors are not those that it asks for.
    """
    where = folder / "config.json"
    content = read_json(where)
    found = content.get("features") if isinstance(content, dict) else None
    head = _Head.check(found if isinstance(found, dict) else {}, f"{where}: features")
    alone, labels = bare_body(body), tuple(head.labels)
    with torch.random.fork_rng(devices=[]):  # what is drawn here is replaced at once
        model = FeatureModel(alone, adapted.config.features, head.kind, labels, pairs=head.pairs)
    model.load_state_dict(read_trained(folder, model.small()), strict=False)
    check_others(folder)
    model = model.to(next(alone.parameters()).device).eval()
    return LoadedCheckpoint(model, model.config, (), ())
