"""Between our configs and a published folder's config.json, in both directions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, get_origin, get_type_hints

from headwater.errors import UserError
from headwater.models.config import ModelConfig, label_names
from headwater.models.families import BY_MODEL_TYPE, family_of, format_of
from headwater.models.head_names import HeadName
from headwater.nn.feedforward import ACTIVATIONS

Json = Mapping[str, Any]

MULTI_TASK = "headwater-multi-task"
"""The `model_type` of a model with a head for each task."""

_FROM_ZERO = ("type_vocab_size", "num_highway")  # and the ids of tokens
_LARGEST, _MOST_LAYERS = 10**8, 1000  # beyond every published network, and what can be built

_FIXED = {
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
}
"""Switches that the published configs have and we do not: any other value is refused."""


def read_config(json: Any, where: str) -> ModelConfig:
    """Turn the content of a config.json into a config; of several tasks, into the body's."""
    model_type = json.get("model_type") if isinstance(json, dict) else None
    if model_type == MULTI_TASK:
        body = read_config(json.get("body"), f"{where}: body")
        if family_of(body).kind != "encoder":
            raise UserError(f"{where}: body: a BERT was expected, not {body.model_type}")
        return body
    if not isinstance(model_type, str) or model_type not in BY_MODEL_TYPE:
        known = ", ".join(BY_MODEL_TYPE)
        raise UserError(f"{where}: model_type {model_type!r}; known are {known}")
    for name, value in _FIXED.items():
        if json.get(name, value) != value:
            raise UserError(f"{where}: {name} = {json[name]!r} is not supported")
    family = BY_MODEL_TYPE[model_type]
    written = family.formats[model_type]
    default: ModelConfig = written.default
    values = family.read(_values(json, written.fields, default, where), json, default)
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
    if label_names(config):
        json |= _write_labels(config, head)
    return json | family.write(config, head)


def _write_labels(config: ModelConfig, head: HeadName | None) -> dict[str, Any]:
    match head:
        case "sequence" | "token":
            labels = label_names(config)
        case "regression":
            labels = ("LABEL_0",)
        case _:  # the published span head has one output per label
            labels = ("LABEL_0", "LABEL_1")
    json: dict[str, Any] = {
        "id2label": {str(i): name for i, name in enumerate(labels)},
        "label2id": {name: i for i, name in enumerate(labels)},
    }
    if head == "regression":
        json["problem_type"] = "regression"
    return json


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
    if names is None:
        number = json.get("num_labels", 2)
        if type(number) is not int or number < 1:
            raise UserError(f"{where}: num_labels = {number!r}, a number from 1 was expected")
        return tuple(f"LABEL_{i}" for i in range(number))
    expected = [str(i) for i in range(len(names))] if isinstance(names, dict) else None
    if expected is None or sorted(names, key=str) != sorted(expected):
        raise UserError(f"{where}: id2label must map 0, 1, .. to names")
    return tuple(str(names[i]) for i in expected)
