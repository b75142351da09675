"""The record of ALBERT. Free of torch."""

from typing import Any

from headwater.models.albert.config import PRESETS, AlbertConfig
from headwater.models.bert.keys import encoder_heads
from headwater.models.config import HeadName, same_names
from headwater.models.encoder_record import TRAINING, masked_lm_study, sizes
from headwater.models.family import CheckpointFormat, Family
from headwater.models.key_table import KeyTable

_BLOCK = "albert.encoder.albert_layer_groups"
_PARTS = {
    "attention.layer.query": "attention.query",
    "attention.layer.key": "attention.key",
    "attention.layer.value": "attention.value",
    "attention.layer.output": "attention.dense",
    "attention.norm": "attention.LayerNorm",
    "feedforward.layer.inner": "ffn",
    "feedforward.layer.outer": "ffn_output",
    "feedforward.norm": "full_layer_layer_norm",
}
_MOST = 16
"""Of blocks in a group; every published ALBERT has one."""

_KEYS = KeyTable(
    prefix="albert.",
    body={
        "body.embeddings.token": "albert.embeddings.word_embeddings",
        "body.embeddings.position": "albert.embeddings.position_embeddings",
        "body.embeddings.segment": "albert.embeddings.token_type_embeddings",
        "body.embeddings.norm": "albert.embeddings.LayerNorm",
        "body.projection": "albert.encoder.embedding_hidden_mapping_in",
    }
    | {
        f"body.layers.{{n}}.blocks.{inner}.{ours}": f"{_BLOCK}.{{n}}.albert_layers.{inner}.{theirs}"
        for inner in range(_MOST)
        for ours, theirs in _PARTS.items()
    },
    heads=encoder_heads(
        "Albert",
        bare={"body.pooler.dense": "albert.pooler"},
        classifier={"head.pooler.dense": "albert.pooler", "head.dense": "classifier"},
        masked_lm={
            "head": "predictions",
            "head.decoder": "predictions.decoder",
            "head.dense": "predictions.dense",
            "head.norm": "predictions.LayerNorm",
        },
    ),
    renamed={"predictions.decoder.bias": "predictions.bias"},
    output=("predictions.decoder.weight", "albert.embeddings.word_embeddings.weight"),
    ignored=(r"albert\.embeddings\.position_ids", r"sop_classifier\..*"),
    optional=("pooler",),
)


def _write(config: AlbertConfig, head: HeadName | None) -> dict[str, Any]:
    return {"bos_token_id": 2, "eos_token_id": 3}


ALBERT = Family(
    name="albert",
    title="ALBERT",
    kind="encoder",
    presets=PRESETS,
    formats={
        "albert": CheckpointFormat(
            _KEYS,
            same_names(AlbertConfig, "label_names", "classifier_dropout")
            | {"classifier_dropout": "classifier_dropout_prob"},
            AlbertConfig(hidden_size=4096, num_attention_heads=64, intermediate_size=16384),
            "albert-base-v2",
        )
    },
    sizes=lambda config: sizes(config.layer),
    summary=lambda config: (
        f"{config.num_hidden_layers} layers that share parameters, {config.hidden_size} wide, "
        f"{config.num_attention_heads} heads, encoder"
    ),
    training=TRAINING,
    objectives=("mlm",),
    quick=masked_lm_study("albert-base-v2", embedding_size=32, num_hidden_layers=2),
    write=_write,
    block=lambda config: config.layer,
)
