"""The record of BART. Free of torch."""

from typing import Any

from headwater.models.bart.config import PRESETS, BartConfig
from headwater.models.config import BodySizes, HeadName, same_names
from headwater.models.encoder_record import TRAINING
from headwater.models.family import CheckpointFormat, Family
from headwater.models.key_table import HeadKeys, KeyTable

_PROJECTIONS = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}


def _attention(side: str, ours: str, theirs: str) -> dict[str, str]:
    left, right = f"body.{side}.layers.{{n}}.{ours}", f"model.{side}.layers.{{n}}.{theirs}"
    return {f"{left}.norm": f"{right}_layer_norm"} | {
        f"{left}.layer.{mine}": f"{right}.{published}" for mine, published in _PROJECTIONS.items()
    }


def _side(side: str) -> dict[str, str]:
    left, right = f"body.{side}.layers.{{n}}.feedforward", f"model.{side}.layers.{{n}}"
    return {
        f"body.{side}.embeddings.position": f"model.{side}.embed_positions",
        f"body.{side}.embeddings.norm": f"model.{side}.layernorm_embedding",
        **_attention(side, "attention", "self_attn"),
        f"{left}.layer.inner": f"{right}.fc1",
        f"{left}.layer.outer": f"{right}.fc2",
        f"{left}.norm": f"{right}.final_layer_norm",
    }


_KEYS = KeyTable(
    prefix="model.",
    body={"body.embedding": "model.shared"}
    | _side("encoder")
    | _side("decoder")
    | _attention("decoder", "cross", "encoder_attn"),
    heads={None: HeadKeys("BartForConditionalGeneration", {"body.output": "lm_head"})},
    tied={
        f"model.{side}.embed_tokens.weight": "model.shared.weight"
        for side in ("encoder", "decoder")
    },
    # A bias of the scores that no published BART uses; it is zero in all of them.
    ignored=(r"final_logits_bias", r"model\.(encoder|decoder)\.version"),
    output=("lm_head.weight", "model.shared.weight"),
    bodies=("BartModel",),
)


def _write(config: BartConfig, head: HeadName | None) -> dict[str, Any]:
    return {"is_encoder_decoder": True, "forced_eos_token_id": config.eos_token_id}


BART = Family(
    name="bart",
    title="BART",
    kind="text_to_text",
    presets=PRESETS,
    formats={"bart": CheckpointFormat(_KEYS, same_names(BartConfig), BartConfig(), "bart-large")},
    sizes=lambda config: BodySizes(
        hidden_size=config.d_model,
        layers=config.encoder_layers,
        longest_input=config.max_position_embeddings,
        longest_target=config.max_position_embeddings,
        first_position=2,
        decoder_start_id=config.decoder_start_token_id,
        enclosed=True,
    ),
    summary=lambda config: (
        f"{config.encoder_layers} + {config.decoder_layers} layers, {config.d_model} wide, "
        f"{config.encoder_attention_heads} heads, encoder-decoder"
    ),
    added_up="the vectors of token and position are added, on either side",
    training=TRAINING,
    objectives=(),
    write=_write,
)
"""Its own objective, infilling of texts with shuffled sentences, is not here."""
