"""A model of several tasks on disk; no published code opens it.

config.json    {"model_type": "headwater-multi-task",
                "body": the config.json of the body alone,
                "tasks": {"cola": {"head": "sequence", "labels": ["unacceptable", "acceptable"]},
                          "stsb": {"head": "regression", "labels": []}}}
tensors        body.encoder.layer.0...    as the published body names them
               heads.cola.dense.weight    as we do, there being no published name

The order of the tasks is that of their numbers in a batch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headwater.checkpoints.configs import MULTI_TASK, family_name, write_config
from headwater.checkpoints.huggingface import FAMILIES, their_name
from headwater.checkpoints.state_dict import Match, published
from headwater.errors import UserError
from headwater.models.bert.config import BertConfig
from headwater.models.build import TaskHead, bare_multi_task, check_head, head_name
from headwater.models.multi_task import MultiTask

_BODY, _HEADS = "body.", "heads."


def read_tasks(content: Any, where: Path) -> dict[str, TaskHead] | None:
    """Return the tasks that a config.json names; None where it is of a model without any.

    Raises:
        UserError: they are not in the form that `write_tasks` gives them.
    """
    if not isinstance(content, dict) or content.get("model_type") != MULTI_TASK:
        return None
    tasks = content.get("tasks")
    if not isinstance(tasks, dict) or not tasks:
        raise UserError(f"{where}: tasks: an object of heads by task was expected")
    found: dict[str, TaskHead] = {}
    for name, task in tasks.items():
        labels = task.get("labels") if isinstance(task, dict) else None
        if not isinstance(labels, list) or not all(isinstance(each, str) for each in labels):
            raise UserError(f"{where}: tasks.{name}: a head and a list of labels were expected")
        try:
            found[name] = TaskHead(check_head(str(task.get("head"))), tuple(labels))
        except UserError as error:
            raise UserError(f"{where}: tasks.{name}: {error}") from None
    return found


def write_tasks(model: MultiTask) -> dict[str, Any]:
    """Return the content of config.json."""
    config = model.body.config
    family = FAMILIES[family_name(config)]
    return {
        "architectures": ["HeadwaterMultiTask"],
        "model_type": MULTI_TASK,
        "body": write_config(config, family.heads[None].architecture, None),
        "tasks": {
            name: {"head": head_name(model.one(name)), "labels": list(labels)}
            for name, labels in model.labels.items()
        },
    }


def tensors_of(model: MultiTask) -> dict[str, Tensor]:
    """Return the tensors by their names in the file."""
    family = FAMILIES[family_name(model.body.config)]
    body = {their_name(name, family, None): t for name, t in model.body.state_dict().items()}
    return {f"{_BODY}{name}": tensor for name, tensor in body.items()} | {
        f"{_HEADS}{name}": tensor for name, tensor in model.heads.state_dict().items()
    }


def body_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the body's tensors, named as in a folder of the body alone."""
    return _under(_BODY, tensors)


def load_tasks(
    folder: Path, config: BertConfig, tasks: Mapping[str, TaskHead], tensors: Mapping[str, Tensor]
) -> MultiTask:
    """Build the model of a folder with the tensors of its file.

    Raises:
        UserError: they are not those that config.json asks for.
    """
    with torch.device("meta"):
        model = bare_multi_task(config, tasks)
    family = FAMILIES[family_name(config)]
    match = Match(folder, family, None, None)
    body, _ = match.sort(published(body_of(tensors), family, folder))
    match.check(model.body, body)
    heads, asked = _under(_HEADS, tensors), model.heads.state_dict()
    for name in sorted({*heads, *asked}):
        shapes = [tuple(each[name].shape) if name in each else None for each in (heads, asked)]
        if shapes[0] != shapes[1]:
            has, wants = (shape or "nothing" for shape in shapes)
            raise UserError(f"{folder}: {_HEADS}{name} is {has}, config.json asks for {wants}")
    model.body.load_state_dict(body, assign=True)
    model.heads.load_state_dict(heads, assign=True)
    return model


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
