"""What `[decoder]` of a recipe asks for: an encoder that gets a decoder, and writes."""

from typing import cast

from headwater.errors import UserError, listed, with_article
from headwater.models.bert.config import BertConfig
from headwater.models.body import EncoderBody
from headwater.models.build import Model
from headwater.models.encoder_decoder.config import on_encoder, starts
from headwater.models.families import FAMILIES, AnyFamily
from headwater.runs.recipe import DecoderConfig
from headwater.text.framing import framing_of
from headwater.text.vocabulary import Vocabulary

LAYERS = 2
"""Of a decoder, where a recipe says nothing."""


def family_with_decoder(family: AnyFamily) -> AnyFamily:
    """Return the family of an encoder with a decoder on it; refuse what is no encoder."""
    if family.kind != "encoder":
        raise UserError(
            f"[decoder] is put on an encoder such as BERT; this is {with_article(family.title)}"
        )
    return FAMILIES["encoder_decoder"]


def with_decoder(model: Model, decoder: DecoderConfig, vocabulary: Vocabulary) -> Model:
    """Put a decoder on an encoder's body, which becomes part of the model that is returned."""
    from headwater.models.encoder_decoder.start import put_decoder_on

    encoder = cast(BertConfig, model.body.config)
    depth = encoder.num_hidden_layers
    start = decoder.start or starts(decoder.layers or LAYERS, depth)
    beyond = [number for number in start if number >= depth]
    if beyond:
        raise UserError(
            f"decoder.start = {list(start)}: the encoder has {depth} layers, and no "
            f"{listed(map(str, beyond))}; the first is 0"
        )
    if decoder.positions > encoder.longest:
        raise UserError(
            f"decoder.positions = {decoder.positions}: the encoder knows {encoder.longest}"
        )
    framing = framing_of(vocabulary)
    first = framing.before[0] if framing.before else encoder.pad_token_id
    config = on_encoder(encoder, len(start), decoder.positions, start_id=first, end_id=framing.end)
    assert isinstance(model.body, EncoderBody)
    return put_decoder_on(model.body, config, start)
