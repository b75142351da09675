"""A decoder put on a pre-trained encoder, with weights of that encoder or of another model.

Rothe et al. 2020, section 2: the decoder has pre-trained weights, and only the attention to the
memory is new. On the encoder's own layers that begins with the weights of the self-attention: it
looks for tokens alike.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from headwater.models.body import EncoderBody
from headwater.models.build import Model
from headwater.models.encoder_decoder.config import EncoderDecoderConfig
from headwater.models.encoder_decoder.decoder import Decoder, DecoderEmbeddings
from headwater.models.encoder_decoder.network import EncoderDecoder, initialize
from headwater.models.families import keys_of
from headwater.models.heads import MaskedLMHead, ModelWithHead
from headwater.nn.block import BorrowingBlock

_PARTS = ("attention", "feedforward")
"""Of a block, which decoders and encoders both have."""


@dataclass(frozen=True, slots=True)
class Lender:
    """Another model, with whose weights a decoder begins.

    model: a BERT or a RoBERTa, with its masked-LM head; or a GPT-2.
    rows: `[vocabulary]` of the new model: the row of each token in its tables, -1: it has none.
    first_position: the row of the first position in its table.
    """

    model: Model
    rows: Tensor
    first_position: int


def put_decoder_on(
    body: EncoderBody,
    config: EncoderDecoderConfig,
    start: Sequence[int],
    lender: Lender | EncoderBody | None,
) -> EncoderDecoder:
    """Build a decoder on an encoder, which stays as it is and becomes part of the model.

    What does not begin with pre-trained weights is drawn from torch's global generator.

    Args:
        body: the encoder.
        start: the layer from which each of the decoder's blocks starts; empty: none does.
        lender: whose layers they are: another model, or the encoder; None: nobody's.
    """
    model = EncoderDecoder(config)
    initialize(model.decoder, config)
    for module in keys_of(config.encoder).optional:  # a pooler, which writing does not use
        setattr(body, module, None)
    body.config = config.encoder
    model.take_encoder(body)
    with torch.no_grad():
        match lender:
            case Lender():
                _start_as(model.decoder, lender, start)
            case EncoderBody():
                _start_on(lender, model.decoder, start)
    return model


def _start_on(encoder: EncoderBody, decoder: Decoder, start: Sequence[int]) -> None:
    """Begin as an encoder's layers, and where its token vectors are narrower, as their products."""
    for layer, number in zip(decoder.layers, start, strict=bool(start)):
        lent = encoder.block(number)
        parts = () if isinstance(layer, BorrowingBlock) else _PARTS
        for part, like in (*zip(parts, parts, strict=True), ("cross", "attention")):
            layer.set_submodule(part, copy.deepcopy(lent.get_submodule(like)))
    own, given = decoder.embeddings, encoder.get_submodule("embeddings")
    if not isinstance(own, DecoderEmbeddings):
        return
    if own.token is not None:
        own.token.weight.copy_(encoder.token_vectors)
    elif start:
        _embed_alike(own, given, own.first)


def _start_as(decoder: Decoder, lender: Lender, start: Sequence[int]) -> None:
    """Begin as another model, but for the attention to the memory and tokens that it has not."""
    model, body, embeddings = lender.model, lender.model.body, decoder.embeddings
    layers = body.get_submodule("layers")
    assert isinstance(layers, nn.ModuleList) and isinstance(embeddings, DecoderEmbeddings)
    for layer, number in zip(decoder.layers, start, strict=True):
        for part in _PARTS:
            layer.set_submodule(part, copy.deepcopy(layers[number].get_submodule(part)))
    assert embeddings.token is not None
    given: nn.Module = getattr(body, "embeddings", body)  # a GPT has none around its tables
    _take_rows(embeddings.token.weight, given.get_parameter("token.weight"), lender.rows)
    _embed_alike(embeddings, given, lender.first_position)
    if decoder.norm is not None:
        decoder.norm.load_state_dict(body.get_submodule("norm").state_dict())
    if isinstance(model, ModelWithHead) and isinstance(model.head, MaskedLMHead):
        head = decoder.head
        for part in ("dense", "norm"):
            head.get_submodule(part).load_state_dict(model.head.get_submodule(part).state_dict())
        _take_rows(head.get_parameter("bias"), model.head.bias, lender.rows)


def _embed_alike(own: DecoderEmbeddings, given: nn.Module, first: int) -> None:
    """Take positions, the first segment and the norm; `first` is the row of the first position."""
    positions = given.get_parameter("position.weight")[first : first + own.longest]
    own.position.weight[own.first :].copy_(positions)
    segment = getattr(given, "segment", None)
    if own.segment is not None and segment is None:
        nn.init.zeros_(own.segment.weight)
    elif own.segment is not None and segment is not None:
        own.segment.weight.copy_(segment.weight)
    if own.norm is not None:
        own.norm.load_state_dict(given.get_submodule("norm").state_dict())


def _take_rows(own: Tensor, given: Tensor, rows: Tensor) -> None:
    known = rows >= 0
    own[: len(rows)][known] = given[rows[known]]
