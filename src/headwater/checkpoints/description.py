"""What config.json says of a model: the body's sizes and the heads on it.

A model of several tasks (no published code opens it; the order of the tasks is that of their
numbers in a batch, and tensors are named `body.` and then as in the body's own folder, or
`heads.TASK.` and then as here):

    {"model_type": "headwater-multi-task",
     "body": the config.json of the body alone,
     "tasks": {"cola": {"head": "sequence", "labels": ["unacceptable", "acceptable"]},
               "stsb": {"head": "regression", "labels": []}}}

A small model on a body's features, saved without the body:

    {"model_type": "elmo", ..., "features": {"kind": "token", "labels": ["O", "B-person"],
                                             "pairs": false}}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from headwater.checkpoints.configs import MULTI_TASK, read_config, write_config
from headwater.config import Config
from headwater.errors import UserError
from headwater.files import read_json
from headwater.models.build import Model
from headwater.models.config import ModelConfig, label_names
from headwater.models.families import keys_of
from headwater.models.feature_model import FeatureModel, Kind
from headwater.models.head_names import HeadName, TaskHead, check_head
from headwater.models.key_table import KeyTable
from headwater.models.multi_task import MultiTask


class FeatureHead(Config):
    """What a small model gives; see `FeatureModel`."""

    kind: Kind
    labels: list[str]
    pairs: bool


@dataclass(frozen=True, slots=True)
class Description:
    """The content of a config.json.

    config: the sizes; of several tasks, the body's.
    tasks: the heads of a model of several tasks; None of any other.
    architecture: the published class; "" of a body alone, as that of several tasks is.
    """

    file: Path
    content: Mapping[str, Any]
    config: ModelConfig
    tasks: Mapping[str, TaskHead] | None
    architecture: str

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the config.json of a folder."""
        file = folder / "config.json"
        content = read_json(file)
        config, tasks = read_config(content, str(file)), _read_tasks(content, file)
        names = content.get("architectures") or [""]
        if not isinstance(names, list) or not isinstance(names[0], str):
            raise UserError(f"{file}: architectures must be a list of names")
        return cls(file, content, config, tasks, names[0] if tasks is None else "")

    @property
    def keys(self) -> KeyTable:
        """The names of the tensors."""
        return keys_of(self.config)

    @property
    def features(self) -> FeatureHead:
        """The small model on the body's features; a UserError where there is none."""
        found = self.content.get("features")
        return FeatureHead.check(found if isinstance(found, dict) else {}, f"{self.file}: features")

    def saved_head(self, requested: str | None = None) -> HeadName | None:
        """Return the head that the model was saved with; None: a body alone.

        Args:
            requested: the head that is to be loaded, for which an unknown class may stand there.
        """
        try:
            saved = self.keys.head_of(self.architecture) if self.architecture else None
        except KeyError:
            if requested is not None:
                return None
            known = ", ".join(self.keys.architectures())
            raise UserError(
                f"{self.file}: {self.architecture} is not supported; known are {known}"
            ) from None
        single = len(label_names(self.config)) == 1
        return "regression" if saved == "sequence" and single else saved


def describe(model: Model) -> dict[str, Any]:
    """Return the content of a model's config.json."""
    if isinstance(model, FeatureModel):
        small = FeatureHead(kind=model.kind, labels=list(model.labels), pairs=model.pairs)
        return describe(model.body) | {"features": small.model_dump()}
    if not isinstance(model, MultiTask):
        return write_config(model.config, model.head_name)
    return {
        "architectures": ["HeadwaterMultiTask"],
        "model_type": MULTI_TASK,
        "body": write_config(model.config, None),
        "tasks": {
            name: {"head": model.for_task(name).head_name, "labels": list(labels)}
            for name, labels in model.task_labels.items()
        },
    }


def _read_tasks(content: Mapping[str, Any], file: Path) -> dict[str, TaskHead] | None:
    if content.get("model_type") != MULTI_TASK:
        return None
    tasks = content.get("tasks")
    if not isinstance(tasks, dict) or not tasks:
        raise UserError(f"{file}: tasks: an object of heads by task was expected")
    found: dict[str, TaskHead] = {}
    for name, task in tasks.items():
        labels = task.get("labels") if isinstance(task, dict) else None
        if not isinstance(labels, list) or not all(isinstance(each, str) for each in labels):
            raise UserError(f"{file}: tasks.{name}: a head and a list of labels were expected")
        try:
            found[name] = TaskHead(check_head(str(task.get("head"))), tuple(labels))
        except UserError as error:
            raise UserError(f"{file}: tasks.{name}: {error}") from None
    return found
