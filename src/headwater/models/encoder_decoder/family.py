"""The record of encoder-decoders of two BERTs. Free of torch."""

from typing import Any

from headwater.models.bert.keys import encoder_modules, predictions
from headwater.models.config import BodySizes, same_names
from headwater.models.encoder_decoder.config import EncoderDecoderConfig
from headwater.models.family import CheckpointFormat, Family, Json
from headwater.models.key_table import HeadKeys, KeyTable, Modules

_CROSS = {
    "cross.layer.query": "crossattention.self.query",
    "cross.layer.key": "crossattention.self.key",
    "cross.layer.value": "crossattention.self.value",
    "cross.layer.output": "crossattention.output.dense",
    "cross.norm": "crossattention.output.LayerNorm",
}


def _side(name: str, modules: Modules) -> dict[str, str]:
    """Return the modules of a body as those of one side."""
    return {f"body.{name}.{ours.removeprefix('body.')}": each for ours, each in modules.items()}


_TABLE = "decoder.bert.embeddings.word_embeddings.weight"
_KEYS = KeyTable(
    prefix="",
    body=_side("encoder", encoder_modules("encoder"))
    | _side("decoder", encoder_modules("decoder.bert"))
    | {
        f"body.decoder.layers.{{n}}.{ours}": f"decoder.bert.encoder.layer.{{n}}.{theirs}"
        for ours, theirs in _CROSS.items()
    }
    | {ours: f"decoder.{theirs}" for ours, theirs in predictions("body.decoder.head").items()},
    heads={None: HeadKeys("EncoderDecoderModel", {})},
    renamed={"decoder.cls.predictions.decoder.bias": "decoder.cls.predictions.bias"},
    output=("decoder.cls.predictions.decoder.weight", _TABLE),
    shared=(_TABLE, "encoder.embeddings.word_embeddings.weight"),
    ignored=(r"encoder\.pooler\..*", r"(encoder|decoder\.bert)\.embeddings\.position_ids"),
)
_SWITCHES = ("is_decoder", "add_cross_attention")


def _read(values: dict[str, Any], json: Json, default: EncoderDecoderConfig) -> dict[str, Any]:
    """Whether scores are tied to the table, the decoder's own config says."""
    decoder = values.get("decoder", default.decoder)
    return {"tie_word_embeddings": decoder.tie_word_embeddings} | values


def _sizes(config: EncoderDecoderConfig) -> BodySizes:
    return BodySizes(
        hidden_size=config.encoder.hidden_size,
        layers=config.encoder.num_hidden_layers,
        longest_input=config.encoder.longest,
        longest_target=config.decoder.longest,
        segments=config.encoder.type_vocab_size,
        first_position=config.encoder.first_position,
        decoder_start_id=config.decoder_start_token_id,
    )


ENCODER_DECODER = Family(
    name="encoder_decoder",
    title="encoder-decoder",
    kind="text_to_text",
    presets={},
    formats={
        "encoder-decoder": CheckpointFormat(
            _KEYS,
            same_names(EncoderDecoderConfig, "tie_word_embeddings"),
            EncoderDecoderConfig(),
            preset="",
            sides={
                "encoder": dict.fromkeys(_SWITCHES, False),
                "decoder": dict.fromkeys(_SWITCHES, True),
            },
        ),
    },
    sizes=_sizes,
    summary=lambda config: (
        f"{config.encoder.num_hidden_layers} + {config.decoder.num_hidden_layers} layers, "
        f"{config.encoder.hidden_size} wide, encoder-decoder"
    ),
    added_up="the vectors of token, position and first segment are added, on either side",
    training={"optimizer": "adamw", "schedule": "linear", "warmup": 0.1},
    objectives=(),
    read=_read,
    write=lambda config, head: {"is_encoder_decoder": True, "vocab_size": config.vocab_size},
    encoder=lambda config: config.encoder,
)
"""Built on an encoder (`start.py`), it has no sizes of its own and no objective."""
