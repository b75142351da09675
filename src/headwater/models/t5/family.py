"""The record of T5, of every architecture, of mT5, umT5 and ByT5. Free of torch."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from headwater.errors import UserError
from headwater.models.config import BodySizes, HeadName, same_names
from headwater.models.family import CheckpointFormat, Family, Json, QuickStudy
from headwater.models.key_table import HeadKeys, KeyTable, Modules
from headwater.models.t5.config import OUR_T5, PRESETS, T5Config, refuse_objective

_ATTENTION = {"query": "q", "key": "k", "value": "v", "output": "o"}
_FEED_FORWARD = {"inner": "wi", "gate": "wi_0", "linear": "wi_1", "outer": "wo"}


def _stack(name: str, layers: Sequence[tuple[str, str, Modules]]) -> dict[str, str]:
    """Return one stack's modules: in each block, layer after layer, (ours, theirs, its parts)."""
    table = {
        f"body.{name}.norm": f"{name}.final_layer_norm",
        f"body.{name}.positions.table": (
            f"{name}.block.0.layer.0.SelfAttention.relative_attention_bias"
        ),
    }
    for number, (ours, theirs, parts) in enumerate(layers):
        left, right = f"body.{name}.layers.{{n}}.{ours}", f"{name}.block.{{n}}.layer.{number}"
        table[f"{left}.norm"] = f"{right}.layer_norm"
        for mine, published in parts.items():
            table[f"{left}.layer.{mine}"] = f"{right}.{theirs}.{published}"
    return table


_SELF = ("attention", "SelfAttention", _ATTENTION)
_CROSS = ("cross", "EncDecAttention", _ATTENTION)
_LAST = ("feedforward", "DenseReluDense", _FEED_FORWARD)

_T5_KEYS = KeyTable(
    prefix="",
    body={"body.embedding": "shared"}
    | _stack("encoder", (_SELF, _LAST))
    | _stack("decoder", (_SELF, _CROSS, _LAST)),
    heads={None: HeadKeys("T5ForConditionalGeneration", {"body.output": "lm_head"})},
    tied={
        "encoder.embed_tokens.weight": "shared.weight",
        "decoder.embed_tokens.weight": "shared.weight",
    },
    ignored=(r"decoder\.block\.\d+\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight",),
    output=("lm_head.weight", "shared.weight"),
)

_OUR_T5_KEYS = replace(
    _T5_KEYS, heads={None: HeadKeys("HeadwaterT5", _T5_KEYS.heads[None].modules)}
)
"""T5's other architectures, each with those of T5's tensors that it has."""

_MT5_KEYS = replace(
    _T5_KEYS, heads={None: HeadKeys("MT5ForConditionalGeneration", _T5_KEYS.heads[None].modules)}
)


def _each_layer(modules: Modules) -> dict[str, str]:
    """Return the same modules with positions in every layer."""
    return {
        (ours.replace("positions", "positions.{n}") if "positions" in ours else ours): (
            theirs.replace("block.0", "block.{n}") if "positions" in ours else theirs
        )
        for ours, theirs in modules.items()
    }


_UMT5_KEYS = replace(
    _T5_KEYS,
    body=_each_layer(_T5_KEYS.body),
    heads={None: HeadKeys("UMT5ForConditionalGeneration", _T5_KEYS.heads[None].modules)},
)

_MT5 = replace(PRESETS["mt5-small"], tie_word_embeddings=True)
"""What the published code takes where config.json says nothing."""

_T5 = same_names(T5Config, "architecture")


def _read(values: dict[str, Any], json: Json, default: T5Config) -> dict[str, Any]:
    """The published code writes the feed-forward twice, and takes what stands second."""
    proj = values.get("feed_forward_proj", default.feed_forward_proj)
    own = replace(default, feed_forward_proj=proj)
    for name, stated in (("dense_act_fn", own.activation), ("is_gated_act", own.gated)):
        if json.get(name, stated) != stated:
            raise UserError(
                f"{name} = {json[name]!r:.40} is not that of feed_forward_proj = "
                f"{proj!r}, which has {stated!r}; correct one of them"
            )
    scaled = default.model_type != "mt5" and json.get("tie_word_embeddings") is not False
    return {
        "num_decoder_layers": values.get("num_layers", default.num_layers),
        "scale_decoder_outputs": scaled,
    } | values


def _write(config: T5Config, head: HeadName | None) -> dict[str, Any]:
    return {"is_encoder_decoder": not config.decoder_only}


def _complete_sizes(sizes: dict[str, Any]) -> dict[str, Any]:
    """Where both sides must be equally deep, `num_layers` is the depth of both, unless given."""
    one = sizes.get("architecture", "encoder_decoder") != "encoder_decoder"
    depth = {"num_decoder_layers": sizes["num_layers"]} if one and "num_layers" in sizes else {}
    return depth | sizes


def _sizes(config: T5Config) -> BodySizes:
    return BodySizes(
        hidden_size=config.d_model,
        layers=config.num_layers,
        decoder_start_id=config.decoder_start_token_id,
        one_stack=config.decoder_only,
    )


T5 = Family(
    name="t5",
    title="T5",
    kind="text_to_text",
    presets=PRESETS,
    formats={
        "t5": CheckpointFormat(_T5_KEYS, _T5, T5Config(), "t5-small"),
        "mt5": CheckpointFormat(_MT5_KEYS, _T5, _MT5, "mt5-small"),
        "umt5": CheckpointFormat(_UMT5_KEYS, _T5, replace(_MT5, model_type="umt5"), "umt5-small"),
        OUR_T5: CheckpointFormat(
            _OUR_T5_KEYS, _T5 | {"architecture": "architecture"}, T5Config(), "t5-small"
        ),
    },
    sizes=_sizes,
    summary=lambda config: (
        f"{config.num_layers} + {config.num_decoder_layers} layers, {config.d_model} wide, "
        f"{config.num_heads} heads, encoder-decoder"
    ),
    added_up="positions are biases of the attention scores, by distance",
    training={"optimizer": "adafactor", "schedule": "constant", "warmup": 0},
    pretraining={"schedule": "inverse_square_root"},  # Raffel et al. 2020, section 3.1.2
    objectives=("lm", "prefix_lm", "span_corruption"),
    refuse_objective=refuse_objective,
    quick=QuickStudy(
        preset="t5-small",
        sizes={
            "d_model": 64,
            "d_kv": 32,
            "d_ff": 256,
            "num_layers": 2,
            "num_decoder_layers": 2,
            "num_heads": 2,
            "dropout_rate": 0.0,
        },
        objective={"objective": "span_corruption", "span_corruption": {"inputs": 32}},
        learning_rate=1e-2,
    ),
    model_type=lambda config: (
        config.model_type if config.architecture == "encoder_decoder" else OUR_T5
    ),
    read=_read,
    write=_write,
    complete_sizes=_complete_sizes,
    prefixes=lambda config: config.model_type == "t5",  # the others learned no task
)
