"""The record of ModernBERT. Free of torch."""

from typing import Any

from headwater.errors import UserError
from headwater.models.bert.keys import encoder_heads
from headwater.models.config import BodySizes, HeadName, same_names
from headwater.models.encoder_record import TRAINING, masked_lm_study
from headwater.models.family import CheckpointFormat, Family, Json
from headwater.models.key_table import HeadKeys, KeyTable
from headwater.models.modernbert.config import PRESETS, ModernBertConfig

_PARTS = {
    "attention.layer.query": "attn.Wqkv.query",
    "attention.layer.key": "attn.Wqkv.key",
    "attention.layer.value": "attn.Wqkv.value",
    "attention.layer.output": "attn.Wo",
    "attention.norm": "attn_norm",
    "feedforward.layer.gate": "mlp.Wi.gate",
    "feedforward.layer.linear": "mlp.Wi.linear",
    "feedforward.layer.outer": "mlp.Wo",
    "feedforward.norm": "mlp_norm",
}
_TRANSFORM = {"head.transform.dense": "head.dense", "head.transform.norm": "head.norm"}
_POOLED = {"head.pooler.transform.dense": "head.dense", "head.pooler.transform.norm": "head.norm"}

_KEYS = KeyTable(
    prefix="model.",
    body={
        "body.embeddings.token": "model.embeddings.tok_embeddings",
        "body.embeddings.norm": "model.embeddings.norm",
        "body.norm": "model.final_norm",
    }
    | {
        f"body.layers.{{n}}.{ours}": f"model.layers.{{n}}.{theirs}"
        for ours, theirs in _PARTS.items()
    },
    heads=encoder_heads(
        "ModernBert",
        bare={},
        classifier={**_POOLED, "head.dense": "classifier"},
        masked_lm={
            "head": "decoder",
            "head.decoder.weight": "decoder.weight",
            "head.dense": "head.dense",
            "head.norm": "head.norm",
        },
    )
    | {
        "span": HeadKeys(
            "ModernBertForQuestionAnswering", {**_TRANSFORM, "head.dense": "classifier"}
        ),
        "token": HeadKeys(
            "ModernBertForTokenClassification", {**_TRANSFORM, "head.dense": "classifier"}
        ),
    },
    output=("decoder.weight", "model.embeddings.tok_embeddings.weight"),
    fused={
        "model.layers.{n}.attn.Wqkv": ("query", "key", "value"),
        "model.layers.{n}.mlp.Wi": ("gate", "linear"),
    },
)

_ROPE = {"full_attention": "global_rope_theta", "sliding_attention": "local_rope_theta"}


def _read(values: dict[str, Any], json: Json, default: ModernBertConfig) -> dict[str, Any]:
    """Take what newer versions of the published code write in another form, too."""
    if json.get("decoder_bias", True) is not True:
        raise UserError("decoder_bias = False is not supported")
    every, found = "global_attn_every_n_layers", json.get("layer_types")
    if found is not None:
        later = [at for at, kind in enumerate(found) if at and kind == "full_attention"]
        values[every] = later[0] if later else max(len(found), 1)
        kinds = [
            "sliding_attention" if at % values[every] else "full_attention"
            for at in range(values.get("num_hidden_layers", default.num_hidden_layers))
        ]
        if list(found) != kinds:
            raise UserError("layer_types: layers that see the whole text must be evenly spread")
    ropes = json.get("rope_parameters") or {}
    for kind, name in _ROPE.items():
        rope = ropes.get(kind) or {}
        if rope.get("rope_type", "default") != "default":
            raise UserError(f"rope_parameters: rope_type {rope['rope_type']!r} is not supported")
        if "rope_theta" in rope:
            values[name] = float(rope["rope_theta"])
    return values


def _write(config: ModernBertConfig, head: HeadName | None) -> dict[str, Any]:
    bases = {kind: getattr(config, name) for kind, name in _ROPE.items()}
    return {
        "layer_types": list(config.layer_types),
        "rope_parameters": {
            kind: {"rope_type": "default", "rope_theta": base} for kind, base in bases.items()
        },
        "decoder_bias": True,
    }


MODERNBERT = Family(
    name="modernbert",
    title="ModernBERT",
    kind="encoder",
    presets=PRESETS,
    formats={
        "modernbert": CheckpointFormat(
            _KEYS,
            same_names(ModernBertConfig, "label_names"),
            ModernBertConfig(),
            "modernbert-base",
        )
    },
    sizes=lambda config: BodySizes(
        hidden_size=config.hidden_size,
        layers=config.num_hidden_layers,
        longest_input=config.max_position_embeddings,
    ),
    summary=lambda config: (
        f"{config.num_hidden_layers} layers, {config.hidden_size} wide, "
        f"{config.num_attention_heads} heads, encoder of {config.max_position_embeddings} tokens"
    ),
    added_up="queries and keys are turned by their positions",
    training=TRAINING,
    objectives=("mlm",),
    quick=masked_lm_study(
        "modernbert-base", num_hidden_layers=3, intermediate_size=96, local_attention=16
    ),
    read=_read,
    write=_write,
)
