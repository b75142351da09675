"""The record of encoder-decoders of pre-trained sides. Free of torch."""

from dataclasses import replace
from typing import Any

from headwater.models.config import BodySizes, same_names
from headwater.models.encoder_decoder.config import EncoderDecoderConfig
from headwater.models.encoder_decoder.keys import keys_of_sides
from headwater.models.encoder_record import TRAINING
from headwater.models.families import sizes_of
from headwater.models.family import CheckpointFormat, Family, Json

_SWITCHES = ("is_decoder", "add_cross_attention")


def _read(values: dict[str, Any], json: Json, default: EncoderDecoderConfig) -> dict[str, Any]:
    """Whether scores are tied to the table, the decoder's own config says."""
    decoder = values.get("decoder", default.decoder)
    return {"tie_word_embeddings": getattr(decoder, "tie_word_embeddings", True)} | values


def _sizes(config: EncoderDecoderConfig) -> BodySizes:
    return replace(
        sizes_of(config.encoder),
        longest_target=sizes_of(config.decoder).longest_input,
        decoder_start_id=config.decoder_start_token_id,
        enclosed=True,
    )


def _summary(config: EncoderDecoderConfig) -> str:
    encoder, decoder = sizes_of(config.encoder), sizes_of(config.decoder)
    layers = f"{encoder.layers} + {decoder.layers} layers"
    return f"{layers}, {encoder.hidden_size} wide, encoder-decoder"


ENCODER_DECODER = Family(
    name="encoder_decoder",
    title="encoder-decoder",
    kind="text_to_text",
    presets={},
    formats={
        "encoder-decoder": CheckpointFormat(
            keys_of_sides(EncoderDecoderConfig()),
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
    summary=_summary,
    added_up="the vectors of token, position and first segment are added, on either side",
    training=TRAINING,
    objectives=(),
    read=_read,
    write=lambda config, head: {"is_encoder_decoder": True, "vocab_size": config.vocab_size},
    encoder=lambda config: config.encoder,
    keys=keys_of_sides,
)
"""Built on an encoder (`start.py`), it has no sizes of its own and no objective."""
