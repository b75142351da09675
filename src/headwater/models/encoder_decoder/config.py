"""The shape of an encoder-decoder of two BERTs. Free of torch.

Rothe, Narayan and Severyn 2020, "Leveraging Pre-trained Checkpoints for Sequence Generation Tasks",
section 2: a pre-trained encoder, and a decoder of the same blocks that start from its weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from headwater.errors import UserError, with_article
from headwater.models.bert.config import BertConfig

POSITIONS = 128
"""The most tokens that a decoder built here writes, the start token included."""


@dataclass(frozen=True, slots=True)
class EncoderDecoderConfig:
    """Sizes and rates of both sides; they are equally wide."""

    model_type: Literal["encoder-decoder"] = "encoder-decoder"
    encoder: BertConfig = field(default_factory=BertConfig)
    decoder: BertConfig = field(default_factory=BertConfig)
    shared_embeddings: bool = False
    """One table of token vectors for both sides."""
    tie_word_embeddings: bool = True
    """Score tokens by the decoder's table; false: an output matrix of its own."""
    pad_token_id: int = 0
    eos_token_id: int = 102
    decoder_start_token_id: int = 101

    def __post_init__(self) -> None:
        for name, side in (("encoder", self.encoder), ("decoder", self.decoder)):
            if side.model_type != "bert" or side.pre_norm:
                kind = "BERT with pre_norm blocks" if side.pre_norm else side.model_type
                raise UserError(f"{name}: {with_article(kind)}; a published BERT was expected")
        widths = [side.hidden_size for side in (self.encoder, self.decoder)]
        if widths[0] != widths[1]:
            raise UserError(
                f"the encoder is {widths[0]} wide and the decoder {widths[1]}; they must be as wide"
            )
        decoder = replace(self.decoder, tie_word_embeddings=self.tie_word_embeddings)
        object.__setattr__(self, "decoder", decoder)  # its own config.json says it too
        rows = [side.vocab_size for side in (self.encoder, self.decoder)]
        if self.shared_embeddings and rows[0] != rows[1]:
            raise UserError(
                f"shared_embeddings: the encoder has {rows[0]} tokens and the decoder {rows[1]}"
            )

    @property
    def vocab_size(self) -> int:
        """The number of token ids that both sides know."""
        return min(self.encoder.vocab_size, self.decoder.vocab_size)


def on_encoder(
    encoder: BertConfig,
    layers: int,
    positions: int = POSITIONS,
    *,
    start_id: int,
    end_id: int,
) -> EncoderDecoderConfig:
    """Return the config of an encoder with a decoder of so many of its blocks, one table for all.

    Args:
        positions: the most tokens that the decoder reads, the start token included.
        start_id, end_id: the tokens with which a written text begins and ends.
    """
    encoder = replace(encoder, tie_word_embeddings=True)
    decoder = replace(encoder, num_hidden_layers=layers, max_position_embeddings=positions)
    return EncoderDecoderConfig(
        encoder=encoder,
        decoder=decoder,
        shared_embeddings=True,
        pad_token_id=encoder.pad_token_id,
        eos_token_id=end_id,
        decoder_start_token_id=start_id,
    )


def starts(layers: int, encoder_layers: int) -> Sequence[int]:
    """Return the encoder's layers from which a decoder's blocks start: evenly, the last among them.

    >>> starts(2, 6), starts(3, 12), starts(1, 6)
    ([0, 5], [0, 6, 11], [5])
    """
    if layers == 1:
        return [encoder_layers - 1]
    last = encoder_layers - 1
    return [(2 * number * last + layers - 1) // (2 * (layers - 1)) for number in range(layers)]
