"""Between a model and its config.json, in both directions: the body's sizes and the heads on it.

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self, get_origin, get_type_hints

from pydantic import model_validator

from headwater.checkpoints.peft_folder import PeftFolder, beside
from headwater.config import Config
from headwater.errors import UserError
from headwater.files import read_json
from headwater.models.build import Model
from headwater.models.config import HeadName, ModelConfig, TaskHead, check_head, label_names
from headwater.models.families import BY_MODEL_TYPE, family_of, format_of, keys_of
from headwater.models.feature_model import FeatureModel, Kind
from headwater.models.key_table import KeyTable
from headwater.models.multi_task import MultiTask
from headwater.nn.feedforward import ACTIVATIONS

Json = Mapping[str, Any]

MULTI_TASK = "headwater-multi-task"
"""The `model_type` of a model with a head for each task."""

PROBLEMS: Mapping[HeadName, str] = {
    "sequence": "single_label_classification",
    "multi_label": "multi_label_classification",
    "regression": "regression",
}
"""The `problem_type` of the heads that the published code puts into one class."""

_FROM_ZERO = ("type_vocab_size", "num_highway")  # and the ids of tokens
# Beyond every published network, and what can be built.
_LARGEST, _MOST_LABELS, _MOST_LAYERS = 10**8, 10**6, 1000

_SWITCHES: Mapping[str, Any] = {
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
}
"""Switches that the published configs have and we do not: any other value is refused."""


class FeatureHead(Config):
    """What a small model gives; see `FeatureModel`."""

    kind: Kind
    labels: list[str]
    pairs: bool

    @model_validator(mode="after")
    def _named(self) -> Self:
        _check_named(self.kind, self.labels)
        return self


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
        file = beside(folder, "config.json")
        content = read_json(file)
        peft = PeftFolder.find(folder)
        if peft is not None:
            content = peft.described(content)
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
        return self._by_problem() if saved == "sequence" else saved

    def _by_problem(self) -> HeadName:
        """Return the head of a class for sequences: `problem_type` tells, or the labels do."""
        count = len(label_names(self.config))
        problem = self.content.get("problem_type") or ("regression" if count == 1 else None)
        if problem == "regression" and count > 1:
            raise UserError(
                f"{self.file}: problem_type regression with {count} labels is not supported; "
                "a regression gives one number"
            )
        if problem is not None and problem not in PROBLEMS.values():
            known = ", ".join(PROBLEMS.values())
            raise UserError(f"{self.file}: problem_type {problem!r:.40}; known are {known}")
        return next((head for head, each in PROBLEMS.items() if each == problem), "sequence")


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
            _check_named(found[name].head, labels)
        except UserError as error:
            raise UserError(f"{file}: tasks.{name}: {error}") from None
    return found


def _check_named(head: str | None, labels: Sequence[str]) -> None:
    """Refuse a head that chooses among labels, and has none."""
    if head in ("sequence", "multi_label", "token") and not labels:
        raise UserError("labels: the names of the classes were expected")


def read_config(json: Any, where: str, switches: Json = _SWITCHES) -> ModelConfig:
    """Turn the content of a config.json into a config; of several tasks, into the body's.

    Args:
        switches: of the published config, and the only value of each.
    """
    model_type = json.get("model_type") if isinstance(json, dict) else None
    if model_type == MULTI_TASK:
        body = read_config(json.get("body"), f"{where}: body")
        if family_of(body).kind != "encoder":
            raise UserError(f"{where}: body: an encoder was expected, not {body.model_type}")
        return body
    if not isinstance(model_type, str) or model_type not in BY_MODEL_TYPE:
        known = ", ".join(BY_MODEL_TYPE)
        raise UserError(f"{where}: model_type {model_type!r}; known are {known}")
    for name, value in switches.items():
        if json.get(name, value) != value:
            raise UserError(f"{where}: {name} = {json[name]!r} is not supported")
    family = BY_MODEL_TYPE[model_type]
    written = family.formats[model_type]
    default: ModelConfig = written.default
    fields = {ours: name for ours, name in written.fields.items() if ours not in written.sides}
    values = _values(json, fields, default, where)
    for side, own in written.sides.items():
        name = written.fields[side]
        values[side] = read_config(json.get(name), f"{where}: {name}", {**_SWITCHES, **own})
    values = family.read(values, json, default)
    if label_names(default):
        values["label_names"] = _label_names(json, where)
    try:
        return replace(default, **values)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def write_config(config: ModelConfig, head: HeadName | None) -> dict[str, Any]:
    """Return the config.json that the published code opens, for a body with that head."""
    family, written = family_of(config), format_of(config)
    json: dict[str, Any] = {
        "architectures": [written.keys.heads[head].architecture],
        "model_type": family.model_type(config),
    }
    json |= {theirs: getattr(config, ours) for ours, theirs in written.fields.items()}
    for side, own in written.sides.items():
        json[written.fields[side]] = write_config(getattr(config, side), None) | dict(own)
    if label_names(config):
        json |= _write_labels(config, head)
    return json | family.write(config, head)


def _write_labels(config: ModelConfig, head: HeadName | None) -> dict[str, Any]:
    match head:
        case "sequence" | "multi_label" | "token":
            labels = label_names(config)
        case "regression":
            labels = ("LABEL_0",)
        case _:  # the published span head has one output per label
            labels = ("LABEL_0", "LABEL_1")
    json: dict[str, Any] = {
        "id2label": {str(i): name for i, name in enumerate(labels)},
        "label2id": {name: i for i, name in enumerate(labels)},
    }
    problem = None if head is None else PROBLEMS.get(head)
    return json if problem is None else json | {"problem_type": problem}


def _values(
    json: Json, names: Mapping[str, str], default: ModelConfig, where: str
) -> dict[str, Any]:
    """Take the fields that are there, each of the type that its default has."""
    values = {}
    for ours, theirs in names.items():
        if json.get(theirs) is None:
            continue
        value: Any = json[theirs]
        usual = getattr(default, ours)
        if isinstance(usual, tuple):  # the config checks what is in it
            values[ours] = value
            continue
        kind = int if usual is None else type(usual)  # an id that need not be there
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise UserError(f"{where}: {theirs} = {value!r}, {kind.__name__} was expected")
        prefix = "gated-" if theirs == "feed_forward_proj" else ""
        activation = isinstance(value, str) and names_activation(default, ours)
        if activation and str(value).removeprefix(prefix) not in ACTIVATIONS:
            raise UserError(f"{where}: {theirs} = {value!r}; known are {', '.join(ACTIVATIONS)}")
        if kind in (int, float):
            check_number(theirs, value, f"{where}: {theirs} = {value}")
        values[ours] = value
    return values


def names_activation(config: ModelConfig, field: str) -> bool:
    """Tell whether a text of a config is an activation, and not one of the config's own choices."""
    return get_origin(get_type_hints(type(config))[field]) is not Literal


def check_number(name: str, value: float, where: str) -> None:
    """Refuse a size or a rate that no network can be built with.

    Args:
        name: ours or the published one.
        where: begins the error; holds the name and the value.
    """
    if "drop" in name:
        if not 0 <= value < 1:
            raise UserError(f"{where}: a share from 0 to below 1 was expected")
        return
    from_zero = name in _FROM_ZERO or name.endswith("_token_id")
    least = 0 if isinstance(value, float) or from_zero else 1
    depth = isinstance(value, int) and ("layer" in name or name == "num_highway")
    most = _MOST_LAYERS if depth else _LARGEST
    if not least <= value <= most:
        raise UserError(f"{where}: a number from {least} to {most:,} was expected")


def _label_names(json: Json, where: str) -> tuple[str, ...]:
    names = json.get("id2label")
    if names is None or names == {}:  # as a body alone may have it
        number = json.get("num_labels", 2)
        if type(number) is not int or not 1 <= number <= _MOST_LABELS:
            raise UserError(
                f"{where}: num_labels = {number!r:.40}, a number from 1 to {_MOST_LABELS:,} was "
                "expected"
            )
        return tuple(f"LABEL_{i}" for i in range(number))
    expected = [str(i) for i in range(len(names))] if isinstance(names, dict) else None
    if expected is None or sorted(names, key=str) != sorted(expected):
        raise UserError(f"{where}: id2label must map 0, 1, .. to names")
    return tuple(str(names[i]) for i in expected)
