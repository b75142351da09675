"""A decoder put on a pre-trained encoder, whose layers its blocks start from.

Rothe et al. 2020, section 2: the decoder has the encoder's weights, and only the attention to the
memory is new. Here it begins with the weights of the self-attention: it looks for tokens alike.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from headwater.models.bert.network import Bert
from headwater.models.body import EncoderBody
from headwater.models.encoder_decoder.config import EncoderDecoderConfig
from headwater.models.encoder_decoder.network import EncoderDecoder, initialize


def put_decoder_on(
    body: EncoderBody, config: EncoderDecoderConfig, start: Sequence[int]
) -> EncoderDecoder:
    """Build a decoder on an encoder, which stays as it is and becomes part of the model.

    Args:
        body: a BERT.
        start: the encoder's layer from which each of the decoder's blocks starts. The rest of the
            decoder, the dense layer of its head, is drawn from torch's global generator.
    """
    model = EncoderDecoder(config)
    initialize(model.decoder, config)
    encoder = cast(Bert, body)
    encoder.pooler = None
    encoder.config = config.encoder
    model.take_encoder(encoder)
    own, given = model.decoder.embeddings, encoder.embeddings
    with torch.no_grad():
        own.position.weight.copy_(given.position.weight[: len(own.position.weight)])
    pairs: list[tuple[nn.Module | None, nn.Module | None]] = [
        (own.segment, given.segment),
        (own.norm, given.norm),
    ]
    for layer, number in zip(model.decoder.layers, start, strict=True):
        lender = encoder.layers[number]
        attention = lender.get_submodule("attention")
        pairs += [
            (layer.get_submodule("attention"), attention),
            (layer.get_submodule("cross"), attention),
            (layer.get_submodule("feedforward"), lender.get_submodule("feedforward")),
        ]
    for mine, theirs in pairs:
        if mine is not None and theirs is not None:
            mine.load_state_dict(theirs.state_dict())
    return model
