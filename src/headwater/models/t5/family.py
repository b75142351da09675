"""The record of T5, of every architecture. Free of torch."""

from typing import TYPE_CHECKING, Any

from headwater.models.config import BodySizes, same_names
from headwater.models.family import CheckpointFormat, Family, Json, QuickStudy
from headwater.models.head_names import HeadName
from headwater.models.t5 import keys
from headwater.models.t5.config import OUR_T5, PRESETS, T5Config, refuse_objective

if TYPE_CHECKING:
    from torch import nn

    from headwater.models.body import Body

_T5 = same_names(T5Config, "architecture")


def _read(values: dict[str, Any], json: Json, default: T5Config) -> dict[str, Any]:
    return {
        "num_decoder_layers": values.get("num_layers", default.num_layers),
        "scale_decoder_outputs": json.get("tie_word_embeddings") is not False,
    } | values


def _write(config: T5Config, head: HeadName | None) -> dict[str, Any]:
    return {"is_encoder_decoder": not config.decoder_only}


def _sizes(config: T5Config) -> BodySizes:
    return BodySizes(
        hidden_size=config.d_model,
        layers=config.num_layers,
        decoder_start_id=config.decoder_start_token_id,
        one_stack=config.decoder_only,
    )


def _build_body(config: T5Config, bare: bool) -> "Body":
    from headwater.models.t5.decoder_only import DecoderOnlyT5
    from headwater.models.t5.network import T5

    return DecoderOnlyT5(config) if config.decoder_only else T5(config)


def _initialize(module: "nn.Module", config: T5Config) -> None:
    from headwater.models.t5.network import initialize

    initialize(module, config)


T5 = Family(
    name="t5",
    title="T5",
    kind="text_to_text",
    presets=PRESETS,
    formats={
        "t5": CheckpointFormat(keys.T5, _T5, T5Config(), "t5-small"),
        OUR_T5: CheckpointFormat(
            keys.OUR_T5, _T5 | {"architecture": "architecture"}, T5Config(), "t5-small"
        ),
    },
    sizes=_sizes,
    summary=lambda config: (
        f"{config.num_layers} + {config.num_decoder_layers} layers, {config.d_model} wide, "
        f"{config.num_heads} heads, encoder-decoder"
    ),
    added_up="positions are biases of the attention scores, by distance",
    build_body=_build_body,
    initialize=_initialize,
    training={"optimizer": "adafactor", "schedule": "constant", "warmup": 0},
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
    model_type=lambda config: "t5" if config.architecture == "encoder_decoder" else OUR_T5,
    read=_read,
    write=_write,
)
