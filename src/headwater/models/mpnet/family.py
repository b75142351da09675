"""The record of MPNet. Free of torch."""

from typing import Any

from headwater.models.bert.keys import (
    ROBERTA_CLASSIFIER,
    ROBERTA_MASKED_LM,
    encoder_heads,
    encoder_modules,
)
from headwater.models.config import HeadName, same_names
from headwater.models.encoder_record import NO_DROPOUT, TRAINING, masked_lm_study, sizes, summary
from headwater.models.family import CheckpointFormat, Family
from headwater.models.key_table import KeyTable
from headwater.models.mpnet.config import PRESETS, MPNetConfig

_LAYER = "mpnet.encoder.layer.{n}.attention"

_KEYS = KeyTable(
    prefix="mpnet.",
    body={
        ours: theirs
        for ours, theirs in encoder_modules("mpnet").items()
        if not ours.endswith(".segment")
    }
    | {
        f"body.layers.{{n}}.attention.layer.{name}": f"{_LAYER}.attn.{name[0]}"
        for name in ("query", "key", "value", "output")
    }
    | {
        "body.layers.{n}.attention.norm": f"{_LAYER}.LayerNorm",
        "body.positions.table": "mpnet.encoder.relative_attention_bias",
    },
    heads=encoder_heads(
        "MPNet",
        bare={"body.pooler.dense": "mpnet.pooler.dense"},
        classifier=ROBERTA_CLASSIFIER,
        masked_lm=ROBERTA_MASKED_LM,
    ),
    renamed={"lm_head.decoder.bias": "lm_head.bias"},
    output=("lm_head.decoder.weight", "mpnet.embeddings.word_embeddings.weight"),
    ignored=(r"mpnet\.embeddings\.position_ids",),
    optional=("pooler",),
)


def _write(config: MPNetConfig, head: HeadName | None) -> dict[str, Any]:
    return {"bos_token_id": 0, "eos_token_id": 2}


MPNET = Family(
    name="mpnet",
    title="MPNet",
    kind="encoder",
    presets=PRESETS,
    formats={
        "mpnet": CheckpointFormat(
            _KEYS,
            same_names(MPNetConfig, "label_names"),
            MPNetConfig(max_position_embeddings=512, layer_norm_eps=1e-12),
            "mpnet-base",
        )
    },
    sizes=lambda config: sizes(config.layer),
    summary=summary,
    training=TRAINING,
    objectives=("mlm",),
    quick=masked_lm_study("mpnet-base", num_hidden_layers=2, **NO_DROPOUT),
    write=_write,
    block=lambda config: config.layer,
)
