"""Between our configs and a published folder's config.json, in both directions."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from headwater.errors import UserError
from headwater.models.bert import config as bert_config
from headwater.models.bert.config import BertConfig
from headwater.models.build import HeadName, ModelConfig
from headwater.models.cbow.config import CBOWConfig
from headwater.models.elmo.config import ELMoConfig
from headwater.models.gpt import config as gpt_config
from headwater.models.gpt.config import GPTConfig
from headwater.models.t5.config import T5Config
from headwater.nn.feedforward import ACTIVATIONS

Json = Mapping[str, Any]

OUR_BERT = "headwater-bert"
OUR_T5 = "headwater-t5"
MULTI_TASK = "headwater-multi-task"
"""What we call a family in config.json where a model of it is none of the published ones."""

CHOICES = ("architecture", "block")  # texts that are no activation; the config checks them

_SHARED = {
    "vocab_size": "vocab_size",
    "max_position_embeddings": "max_position_embeddings",
    "initializer_range": "initializer_range",
    "pad_token_id": "pad_token_id",
}
_BERT = _SHARED | {
    name: name
    for name in (
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "hidden_act",
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "type_vocab_size",
        "layer_norm_eps",
        "classifier_dropout",
    )
}
_DISTILBERT = _SHARED | {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
    "hidden_act": "activation",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
    "span_dropout": "qa_dropout",
    "classifier_dropout": "seq_classif_dropout",
}

_T5 = {
    name: name
    for name in (
        "vocab_size",
        "d_model",
        "d_kv",
        "d_ff",
        "num_layers",
        "num_decoder_layers",
        "num_heads",
        "relative_attention_num_buckets",
        "relative_attention_max_distance",
        "dropout_rate",
        "layer_norm_epsilon",
        "initializer_factor",
        "feed_forward_proj",
        "tie_word_embeddings",
        "scale_decoder_outputs",
        "pad_token_id",
        "eos_token_id",
        "decoder_start_token_id",
    )
}
_OUR_T5 = _T5 | {"architecture": "architecture"}
_OUR_BERT = _BERT | {"block": "block"}
_GPT_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
_GPT2 = {
    name: name
    for name in (
        *_GPT_IDS,
        "vocab_size",
        "n_positions",
        "n_embd",
        "n_layer",
        "n_head",
        "n_inner",
        "activation_function",
        "resid_pdrop",
        "embd_pdrop",
        "attn_pdrop",
        "layer_norm_epsilon",
        "initializer_range",
    )
}
_GPT = {ours: theirs for ours, theirs in _GPT2.items() if ours != "n_inner"} | {
    "activation_function": "afn"
}
_CBOW = {name: name for name in ("vocab_size", "vector_size", "samples", "window")}
_ELMO = {field.name: field.name for field in fields(ELMoConfig) if field.name != "model_type"}
_FIELDS = {
    "bert": _BERT,
    "roberta": _BERT,
    "distilbert": _DISTILBERT,
    "t5": _T5,
    "openai-gpt": _GPT,
    "gpt2": _GPT2,
    "cbow": _CBOW,
    "elmo": _ELMO,
    OUR_BERT: _OUR_BERT,
    OUR_T5: _OUR_T5,
}
"""Our field -> the published one, by `model_type`."""

_DEFAULTS: Mapping[str, ModelConfig] = {
    "bert": BertConfig(),
    "roberta": BertConfig(model_type="roberta", vocab_size=50265, pad_token_id=1),
    "distilbert": bert_config.PRESETS["distilbert-base-uncased"],
    "t5": T5Config(),
    "openai-gpt": gpt_config.PRESETS["gpt"],
    "gpt2": GPTConfig(),
    "cbow": CBOWConfig(),
    "elmo": ELMoConfig(),
    OUR_BERT: BertConfig(),
    OUR_T5: T5Config(),
}
"""What the published code takes where config.json says nothing."""

_FROM_ZERO = (
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "decoder_start_token_id",
    "type_vocab_size",
    "num_highway",
)

_LAYERS = ("num_layers", "num_hidden_layers", "num_decoder_layers", "n_layers", "n_layer")
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
    """Turn the content of a config.json into a config; of several tasks, into the body's.

    Raises:
        UserError: an unknown family or switch, or a field of the wrong type; `where` begins it.
    """
    family = json.get("model_type") if isinstance(json, dict) else None
    if family == MULTI_TASK:
        body = read_config(json.get("body"), f"{where}: body")
        if not isinstance(body, BertConfig):
            raise UserError(f"{where}: body: a BERT was expected, not {body.model_type}")
        return body
    if not isinstance(family, str) or family not in _FIELDS:
        raise UserError(f"{where}: model_type {family!r}; known are {', '.join(_FIELDS)}")
    for name, value in _FIXED.items():
        if json.get(name, value) != value:
            raise UserError(f"{where}: {name} = {json[name]!r} is not supported")
    default = _DEFAULTS[family]
    values = _values(json, _FIELDS[family], default, where)
    if isinstance(default, T5Config):
        values.setdefault("num_decoder_layers", values.get("num_layers", default.num_layers))
        values.setdefault("scale_decoder_outputs", json.get("tie_word_embeddings") is not False)
    if isinstance(default, BertConfig):
        if family != "distilbert":  # a classifier drops as the body does unless it says otherwise
            body = values.get("hidden_dropout_prob", default.hidden_dropout_prob)
            values.setdefault("classifier_dropout", body)
        values["label_names"] = _label_names(json, where)
    if isinstance(default, GPTConfig):  # of an id, null says that there is none
        values |= {name: None for name in _GPT_IDS if json.get(name, 0) is None}
    try:
        return replace(default, **values)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def family_name(config: ModelConfig) -> str:
    """Return the `model_type` of config.json: one that the published code opens, or one of ours."""
    if isinstance(config, T5Config) and config.architecture != "encoder_decoder":
        return OUR_T5
    if isinstance(config, BertConfig) and config.pre_norm:
        return OUR_BERT
    return config.model_type


def write_config(config: ModelConfig, architecture: str, head: HeadName | None) -> dict[str, Any]:
    """Return the config.json that the published code opens, for a body with that head."""
    family = family_name(config)
    json: dict[str, Any] = {"architectures": [architecture], "model_type": family}
    names = _FIELDS[family]
    json |= {theirs: getattr(config, ours) for ours, theirs in names.items()}
    match config:
        case T5Config():
            return json | {"is_encoder_decoder": not config.decoder_only}
        case CBOWConfig():
            return json
        case ELMoConfig():  # one that has no words says nothing of them
            return json if config.vocab_size else json | {"vocab_size": None}
        case GPTConfig():  # null: four times the width
            return json | ({"n_inner": config.n_inner or None} if "n_inner" in names else {})
        case BertConfig():
            return json | _write_labels(config, head)


def _write_labels(config: BertConfig, head: HeadName | None) -> dict[str, Any]:
    match head:
        case "sequence" | "token":
            labels = config.label_names
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
    if config.model_type == "roberta":
        json |= {"bos_token_id": 0, "eos_token_id": 2}
    return json


def _values(json: Json, names: Json, default: object, where: str) -> dict[str, Any]:
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
        activation = isinstance(value, str) and theirs not in CHOICES
        if activation and str(value).removeprefix(prefix) not in ACTIVATIONS:
            raise UserError(f"{where}: {theirs} = {value!r}; known are {', '.join(ACTIVATIONS)}")
        if kind in (int, float):
            check_number(theirs, value, f"{where}: {theirs} = {value}")
        values[ours] = value
    return values


def check_number(name: str, value: float, where: str) -> None:
    """Refuse a size or a rate that no network can be built with.

    Args:
        name: ours or the published one.
        where: begins the error; holds the name and the value.

    Raises:
        UserError: it is below or above what was expected.
    """
    if "drop" in name:
        if not 0 <= value < 1:
            raise UserError(f"{where}: a share from 0 to below 1 was expected")
        return
    least = 0 if isinstance(value, float) or name in _FROM_ZERO else 1
    most = _MOST_LAYERS if name in (*_LAYERS, "num_highway") else _LARGEST
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
