"""A body with adapters or LoRA in it, on disk without the body (see `adapted.py`).

In the file a tensor has the name of the published module that it belongs to:

    body.layers.0.attention.layer.query.lora_A.weight                           ours
    base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight    in the file

Loading puts what was trained on a body that shares its memory with the one it was given, so that
one body serves many (see `methods/sharing.py`).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headwater.checkpoints.adapter_config import (
    Adapted,
    find_base,
    read_adapted,
    read_trained,
    save_adapted,
)
from headwater.checkpoints.configs import family_name, read_config
from headwater.checkpoints.feature_io import featured, save_featured
from headwater.checkpoints.folder import LoadedCheckpoint, head_in, load_model, model_json
from headwater.checkpoints.huggingface import FAMILIES, their_name
from headwater.checkpoints.manifest import check_others
from headwater.checkpoints.multi_task import read_tasks
from headwater.checkpoints.peft import PREFIX, adapter_config
from headwater.checkpoints.share_weights import share
from headwater.checkpoints.writing import Saveable
from headwater.errors import UserError
from headwater.files import read_json
from headwater.methods.names import build_method
from headwater.models.bert.config import BertConfig
from headwater.models.bert.network import Bert
from headwater.models.build import (
    Model,
    bare_model,
    bare_multi_task,
    config_of,
    head_name,
)
from headwater.models.feature_model import FeatureModel
from headwater.models.heads import ModelWithHead
from headwater.models.multi_task import MultiTask

_ADDED = re.compile(r"\.(lora_A|lora_B|adapter)\.")


def save_attached(
    folder: Path,
    model: Model,
    adapted: Adapted,
    *,
    vocabulary: Saveable | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write what was trained of a model, and which body it was trained on.

    Raises:
        UserError: a tensor is not finite.
    """
    if isinstance(model, FeatureModel):
        save_featured(folder, model, adapted, vocabulary=vocabulary, extra=extra)
        return
    documents = {}
    if adapted.config.method == "lora" and (content := adapter_config(model, adapted)):
        documents["adapter_config.json"] = content
    save_adapted(
        folder,
        adapted,
        model_json(model),
        _trained(model),
        documents=documents,
        vocabulary=vocabulary,
        extra=extra,
    )


def open_model(folder: Path) -> LoadedCheckpoint:
    """Load a whole model, or what was trained together with the body that it was trained on.

    Raises:
        UserError: whatever is wrong with the folder, or with that of the body.
    """
    adapted = read_adapted(folder)
    if adapted is None:
        return load_model(folder)
    return attached(load_model(find_base(adapted, folder)).model, folder, adapted)


def attached(body: Model, folder: Path, adapted: Adapted) -> LoadedCheckpoint:
    """Put what a folder holds on a body, which stays as it is and shares its memory.

    Args:
        body: the body that it was trained on, alone or with any head.

    Raises:
        UserError: the folder is damaged, or its tensors are not those that it asks for.
    """
    if adapted.config.method == "features":
        return featured(share(body), folder, adapted)
    model = _fitted(body, folder)
    with torch.random.fork_rng(devices=[]):  # what is drawn here is replaced at once
        build_method(adapted.config).attach(model)
    _fill(model, folder)
    check_others(folder)
    return LoadedCheckpoint(model.eval(), config_of(model), (), ())


def trained_names(model: Model) -> dict[str, str]:
    """Return the names of the trained parameters: ours -> that in the file."""
    names = (name for name, each in model.named_parameters() if each.requires_grad)
    return {name: f"{PREFIX}{_published(name, model)}" for name in names}


def _published(name: str, model: Model) -> str:
    """Return a parameter's published name; what was added is named within its module."""
    added = _ADDED.search(name)
    if added is not None:
        module = _published(f"{name[: added.start()]}.weight", model).removesuffix(".weight")
        return module + name[added.start() :]
    family = FAMILIES[family_name(config_of(model))]
    if not isinstance(model, MultiTask):
        return their_name(name, family, head_name(model))
    if name.startswith("heads."):
        return name
    return f"body.{their_name(name.removeprefix('body.'), family, None)}"


def _fitted(body: Model, folder: Path) -> Model:
    """Return a model as config.json asks for, over the memory of a body; its heads are empty."""
    where = folder / "config.json"
    content = read_json(where)
    config, tasks = read_config(content, str(where)), read_tasks(content, where)
    alone = body.body if isinstance(body, ModelWithHead | MultiTask) else body
    if not isinstance(config, BertConfig) and not isinstance(alone, Bert):
        return share(body)
    if not isinstance(config, BertConfig) or not isinstance(alone, Bert):
        raise UserError(f"{where}: model_type {config.model_type!r} is not that of the body")
    with torch.device("meta"):
        model = (
            bare_multi_task(config, tasks) if tasks else bare_model(config, head_in(content, where))
        )
    if not isinstance(model, ModelWithHead | MultiTask):
        raise UserError(f"{where}: architectures: a class with a head was expected")
    model.body = share(alone)
    model.body.config, model.body.pooler = config, None
    return model


def _trained(model: Model) -> dict[str, Tensor]:
    """Return the trained parameters by their names in the file."""
    return {their: model.get_parameter(ours) for ours, their in trained_names(model).items()}


def _fill(model: Model, folder: Path) -> None:
    tensors, names = read_trained(folder, _trained(model)), trained_names(model)
    device = next(each for each in model.parameters() if each.device.type != "meta").device
    values = {ours: tensors[their].to(device) for ours, their in names.items()}
    model.load_state_dict(values, strict=False, assign=True)
