"""A decoder put on a pre-trained encoder, whose layers its blocks start from.

Rothe et al. 2020, section 2: the decoder has the encoder's weights, and only the attention to the
memory is new. Here it begins with the weights of the self-attention: it looks for tokens alike.
"""

import copy
from collections.abc import Sequence
from typing import cast

from torch import nn

from headwater.models.bert.network import Bert
from headwater.models.body import EncoderBody
from headwater.models.encoder_decoder.config import EncoderDecoderConfig
from headwater.models.encoder_decoder.network import EncoderDecoder, initialize

_LIKE = {"attention": "attention", "cross": "attention", "feedforward": "feedforward"}
"""The parts of a decoder's block, and those of an encoder's that they start as."""


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
    positions = given.position.weight[: config.decoder.max_position_embeddings]
    own.position.weight = nn.Parameter(positions.detach().clone())
    own.segment, own.norm = copy.deepcopy(given.segment), copy.deepcopy(given.norm)
    for layer, number in zip(model.decoder.layers, start, strict=True):
        lender = encoder.layers[number]
        for part, like in _LIKE.items():
            layer.set_submodule(part, copy.deepcopy(lender.get_submodule(like)))
    return model
