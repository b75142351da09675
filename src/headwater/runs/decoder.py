"""What `[decoder]` of a recipe asks for: an encoder that gets a decoder, and writes."""

from collections.abc import Sequence
from typing import cast

from headwater.errors import UserError, listed, with_article
from headwater.models.body import EncoderBody
from headwater.models.build import Model
from headwater.models.config import ModelConfig
from headwater.models.encoder_decoder.config import (
    POSITIONS,
    EncoderDecoderConfig,
    check_decoder,
    check_encoder,
    like_encoder,
    starts,
    with_sizes,
)
from headwater.models.families import FAMILIES, AnyFamily, family_of, sizes_of
from headwater.runs.decoder_lender import lend, other_model, rows_of
from headwater.runs.recipe import DecoderConfig, Recipe
from headwater.text.framing import framing_of
from headwater.text.vocabulary import Vocabulary

LAYERS = 2
"""Of a decoder of the encoder's layers, where a recipe says nothing."""


def family_with_decoder(
    family: AnyFamily, decoder: DecoderConfig, encoder: str | None
) -> AnyFamily:
    """Return the family of an encoder with a decoder on it; refuse what is no encoder or decoder.

    Args:
        encoder: its name, as the recipe has it.
    """
    if family.kind != "encoder":
        raise UserError(
            f"[decoder] is put on an encoder such as BERT; this is {with_article(family.title)}"
        )
    other_model(decoder, encoder)
    return FAMILIES["encoder_decoder"]


def with_decoder(model: Model, recipe: Recipe, vocabulary: Vocabulary, *, weights: bool) -> Model:
    """Put a decoder on an encoder's body, which becomes part of the model that is returned.

    Args:
        weights: whether those of another model, with which a decoder begins, are read.
    """
    from headwater.models.encoder_decoder.start import Lender, put_decoder_on

    body, decoder = cast(EncoderBody, model.body), recipe.decoder
    encoder, pad_id = body.config, vocabulary.pad_id or 0
    check_encoder(encoder)
    assert decoder is not None
    other = other_model(decoder, recipe.model)
    lender: Lender | EncoderBody | None = body
    if other is None:
        sizes, start = _of_encoder(encoder, decoder)
    else:
        start, positions = _of_other(other.config, decoder)
        sizes = with_sizes(
            other.config, len(start), positions, tokens=encoder.vocab_size, pad_id=pad_id
        )
        rows = rows_of(vocabulary, other, encoder.vocab_size)
        lender = lend(other, rows) if weights else None
    wide = body.token_embedding.shape[1] == sizes_of(sizes).hidden_size
    framing = framing_of(vocabulary, enclosed=True)
    config = EncoderDecoderConfig(
        encoder=encoder,
        decoder=sizes,
        shared_embeddings=other is None and wide,
        tie_encoder_decoder=decoder.tie_encoder_decoder,
        pad_token_id=pad_id,
        eos_token_id=framing.end,
        decoder_start_token_id=framing.before[0],
    )
    return put_decoder_on(body, config, start, lender)


def _of_encoder(encoder: ModelConfig, decoder: DecoderConfig) -> tuple[ModelConfig, Sequence[int]]:
    """Return the config of a decoder of an encoder's layers, and which these are."""
    if decoder.tie_encoder_decoder:
        return _tied(encoder, decoder)
    if family_of(encoder).block(encoder) is None:
        given = [key for key in ("model", "start") if getattr(decoder, key)]
        if given:
            title = family_of(encoder).title
            raise UserError(
                f"decoder.{given[0]}: no decoder begins with the layers of {with_article(title)}; "
                "give decoder.layers alone, which begin with random weights"
            )
        positions = decoder.positions or POSITIONS
        return like_encoder(encoder, decoder.layers or LAYERS, positions), ()
    start, positions = _cut(encoder, decoder, "the encoder")
    return like_encoder(encoder, len(start), positions), start


def _of_other(config: ModelConfig, decoder: DecoderConfig) -> tuple[Sequence[int], int]:
    """Return the layers of another model that a decoder begins with, and its positions."""
    if decoder.tie_encoder_decoder:
        raise UserError(
            "decoder.tie_encoder_decoder: both sides have the encoder's weights; leave "
            "decoder.model out"
        )
    return _cut(config, decoder, f"{decoder.model}")


def _cut(lender: ModelConfig, decoder: DecoderConfig, name: str) -> tuple[Sequence[int], int]:
    """Return the layers of a lender that a decoder begins with, and how many positions it has."""
    depth, longest = sizes_of(lender).layers, sizes_of(lender).longest_input
    usual = LAYERS if decoder.model is None else depth
    start = decoder.start or starts(decoder.layers or usual, depth)
    beyond = [number for number in start if number >= depth]
    if beyond:
        raise UserError(
            f"decoder.start = {list(start)}: {name} has {depth} layers, and no "
            f"{listed(map(str, beyond))}; the first is 0"
        )
    positions = min(POSITIONS, longest) if decoder.positions is None else decoder.positions
    if positions > longest:
        raise UserError(f"decoder.positions = {positions}: {name} knows {longest}")
    return start, positions


def _tied(encoder: ModelConfig, decoder: DecoderConfig) -> tuple[ModelConfig, Sequence[int]]:
    """Return the config of a decoder that has all layers and positions of an encoder."""
    check_decoder(encoder)
    depth, longest = sizes_of(encoder).layers, sizes_of(encoder).longest_input
    start = list(range(depth))
    own = {"layers": depth, "start": start, "positions": longest}
    for key, value in own.items():
        if getattr(decoder, key) not in (None, value):
            raise UserError(
                f"decoder.{key} = {getattr(decoder, key)}: a tied decoder has the encoder's "
                f"{depth} layers and {longest} positions; leave {key} out"
            )
    return encoder, start
