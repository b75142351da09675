"""The record of DeBERTa-v2 and v3. Free of torch."""

from typing import Any

from headwater.errors import UserError
from headwater.models.bert.keys import encoder_heads, encoder_modules
from headwater.models.config import BodySizes, HeadName, same_names
from headwater.models.deberta.config import PRESETS, DebertaConfig
from headwater.models.encoder_record import (
    NO_DROPOUT,
    TRAINING,
    masked_lm_study,
    summary,
    with_dropout,
)
from headwater.models.family import CheckpointFormat, Family, Json
from headwater.models.key_table import KeyTable

_ATTENTION = "deberta.encoder.layer.{n}.attention.self"
_LM = "lm_predictions.lm_head"
_LEGACY = "cls.predictions"

_KEYS = KeyTable(
    prefix="deberta.",
    body={
        ours: theirs
        for ours, theirs in encoder_modules("deberta").items()
        if not ours.endswith(".position")
    }
    | {
        f"body.layers.{{n}}.attention.layer.{name}": f"{_ATTENTION}.{name}_proj"
        for name in ("query", "key", "value")
    }
    | {
        "body.embeddings.relative": "deberta.encoder.rel_embeddings",
        "body.embeddings.relative_norm": "deberta.encoder.LayerNorm",
        "body.layers.0.convolution.conv": "deberta.encoder.conv.conv",
        "body.layers.0.convolution.norm": "deberta.encoder.conv.LayerNorm",
    },
    heads=encoder_heads(
        "DebertaV2",
        bare={},
        classifier={"head.pooler.dense": "pooler.dense", "head.dense": "classifier"},
        masked_lm={
            "head": _LM,
            "head.dense": f"{_LM}.dense",
            "head.norm": f"{_LM}.LayerNorm",
        },
    ),
    tied={f"{_LEGACY}.decoder.weight": "deberta.embeddings.word_embeddings.weight"},
    # The head as the published code has it unless its config.json says `legacy: false`.
    renamed={f"{_LEGACY}.{bias}": f"{_LM}.bias" for bias in ("decoder.bias", "bias")}
    | {
        f"{_LEGACY}.transform.{part}.{leaf}": f"{_LM}.{part}.{leaf}"
        for part in ("dense", "LayerNorm")
        for leaf in ("weight", "bias")
    },
    ignored=(
        r"deberta\.embeddings\.position_ids",
        r"deberta\.embeddings\.position_embeddings\.weight",
        r"mask_predictions\..*",
    ),
)

_COUNTS = ("position_buckets", "max_relative_positions", "conv_kernel_size")
"""Numbers that may be 0 or -1: none."""

_SWITCHES = {
    "relative_attention": (True, False),
    "position_biased_input": (False, True),
    "share_att_key": (True, False),
    "norm_rel_ebd": ("layer_norm", "none"),
    "conv_groups": (1, 1),
}
"""What all published ones have, and what the published code takes where config.json is silent."""


def _read(values: dict[str, Any], json: Json, default: DebertaConfig) -> dict[str, Any]:
    for name, (value, unstated) in _SWITCHES.items():
        if json.get(name, unstated) != value:
            raise UserError(
                f"{name} = {json.get(name, unstated)!r} is not supported; all published DeBERTas "
                f"of versions 2 and 3 have {value!r}"
            )
    stated = json.get("pos_att_type") or []
    kinds = stated.split("|") if isinstance(stated, str) else list(stated)
    if {str(kind).strip() for kind in kinds} != {"c2p", "p2c"}:
        raise UserError(f"pos_att_type = {stated!r} is not supported; p2c|c2p is")
    for name in ("pooler_hidden_size", "embedding_size", "attention_head_size"):
        usual = values.get("hidden_size", default.hidden_size)
        if name == "attention_head_size":
            usual //= values.get("num_attention_heads", default.num_attention_heads)
        if json.get(name, usual) != usual:
            raise UserError(f"{name} = {json[name]!r} is not supported; it must be {usual}")
    for name in _COUNTS:
        count = json.get(name, getattr(default, name))
        if type(count) is not int or not -1 <= count <= 10_000:
            raise UserError(f"{name} = {count!r:.40}: a whole number up to 10000 was expected")
        values[name] = count
    return with_dropout(values, json, default)


def _write(config: DebertaConfig, head: HeadName | None) -> dict[str, Any]:
    switches = {name: value for name, (value, _) in _SWITCHES.items()}
    counts = {name: getattr(config, name) for name in _COUNTS}
    return {**switches, **counts, "pos_att_type": ["p2c", "c2p"], "legacy": False}


DEBERTA = Family(
    name="deberta",
    title="DeBERTa",
    kind="encoder",
    presets=PRESETS,
    formats={
        "deberta-v2": CheckpointFormat(
            _KEYS,
            same_names(DebertaConfig, "label_names", "classifier_dropout", *_COUNTS)
            | {"classifier_dropout": "cls_dropout"},
            DebertaConfig(
                hidden_size=1536,
                num_hidden_layers=24,
                num_attention_heads=24,
                intermediate_size=6144,
                position_buckets=-1,
            ),
            "deberta-v3-base",
        )
    },
    sizes=lambda config: BodySizes(
        hidden_size=config.hidden_size,
        layers=config.num_hidden_layers,
        longest_input=config.max_position_embeddings,
        segments=config.type_vocab_size,
    ),
    summary=summary,
    added_up="vectors of distances take part in the attention scores",
    training=TRAINING,
    objectives=("mlm",),
    quick=masked_lm_study(
        "deberta-v3-base", num_hidden_layers=2, position_buckets=16, **NO_DROPOUT
    ),
    read=_read,
    write=_write,
)
