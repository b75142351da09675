"""The shape of an encoder-decoder whose sides are pre-trained models. Free of torch.

Rothe, Narayan and Severyn 2020, "Leveraging Pre-trained Checkpoints for Sequence Generation Tasks",
section 2: any encoder, and a decoder of the blocks of a BERT, a RoBERTa or a GPT-2, which attends
to the encoder's outputs besides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from headwater.errors import UserError, listed, with_article
from headwater.models.bert.config import BertConfig
from headwater.models.config import ModelConfig
from headwater.models.families import family_of, sizes_of
from headwater.models.gpt.config import GPTConfig

POSITIONS = 128
"""The most tokens that a decoder built here writes, the start token included."""

DECODERS = ("bert", "roberta", "xlm-roberta", "camembert", "gpt2")
"""The `model_type`s that decode, in the published code as here."""


@dataclass(frozen=True, slots=True)
class EncoderDecoderConfig:
    """Sizes and rates of both sides."""

    model_type: Literal["encoder-decoder"] = "encoder-decoder"
    encoder: ModelConfig = field(default_factory=BertConfig)
    decoder: ModelConfig = field(default_factory=BertConfig)
    """One of DECODERS."""
    shared_embeddings: bool = False
    """One table of token vectors for both sides."""
    tie_encoder_decoder: bool = False
    """One set of embeddings and blocks for both sides: the paper's BERTSHARE. The decoder has only
    its attention to the memory, and its head."""
    tie_word_embeddings: bool = True
    """Score tokens by the decoder's table; false: an output matrix of its own."""
    pad_token_id: int = 0
    eos_token_id: int = 102
    decoder_start_token_id: int = 101

    def __post_init__(self) -> None:
        check_encoder(self.encoder)
        check_decoder(self.decoder)
        if isinstance(self.decoder, BertConfig):  # its own config.json says it too
            decoder = replace(self.decoder, tie_word_embeddings=self.tie_word_embeddings)
            object.__setattr__(self, "decoder", decoder)
        elif not self.tie_word_embeddings:
            kind = with_article(self.decoder.model_type)
            raise UserError(f"decoder: {kind} scores by its table; tie_word_embeddings is true")
        self._check_start()
        if self.tie_encoder_decoder:
            self._check_tied()
            object.__setattr__(self, "shared_embeddings", True)
        rows = [side.vocab_size for side in (self.encoder, self.decoder)]
        if self.shared_embeddings and rows[0] != rows[1]:
            raise UserError(
                f"shared_embeddings: the encoder has {rows[0]} tokens and the decoder {rows[1]}"
            )

    def _check_start(self) -> None:
        """Refuse a start at whose position the published code disagrees with itself.

        Its RoBERTa gives padding no position; whether it counts depends on the cache.
        """
        decoder, start = self.decoder, self.decoder_start_token_id
        if isinstance(decoder, BertConfig) and decoder.roberta and start == decoder.pad_token_id:
            raise UserError(
                f"decoder_start_token_id {start} is the padding of the decoder, "
                f"{with_article(decoder.model_type)}, which has no position; take that of <s>"
            )

    def _check_tied(self) -> None:
        """Refuse to tie a decoder that is not, block by block, what the encoder is."""
        encoder = self.encoder
        if isinstance(encoder, BertConfig):
            encoder = replace(encoder, tie_word_embeddings=self.tie_word_embeddings)
        if encoder != self.decoder:
            raise UserError(
                f"tie_encoder_decoder: the encoder ({self.encoder.model_type}) and the decoder "
                f"({self.decoder.model_type}) differ in kind or size; both must be the same"
            )

    @property
    def vocab_size(self) -> int:
        """The number of token ids that both sides know."""
        return min(self.encoder.vocab_size, self.decoder.vocab_size)


def check_encoder(config: ModelConfig) -> None:
    """Refuse what is no encoder that the published code has, too."""
    family = family_of(config)
    if family.kind == "encoder" and not family.model_type(config).startswith("headwater-"):
        return
    name = "BERT with pre_norm blocks" if family.kind == "encoder" else config.model_type
    raise UserError(f"encoder: {with_article(name)}; a published encoder such as BERT was expected")


def check_decoder(config: ModelConfig) -> None:
    """Refuse what does not decode."""
    name = family_of(config).model_type(config)
    if name not in DECODERS:
        raise UserError(f"decoder: {with_article(name)} is none; take {listed(DECODERS)}")


def with_sizes(
    config: ModelConfig, layers: int, positions: int, *, tokens: int, pad_id: int
) -> ModelConfig:
    """Return the config of a decoder with so many layers and positions, on that vocabulary."""
    if isinstance(config, GPTConfig):
        return replace(config, n_layer=layers, n_positions=positions, vocab_size=tokens)
    assert isinstance(config, BertConfig), "check_decoder refuses others"
    padded = replace(config, vocab_size=tokens, pad_token_id=pad_id)
    most = positions + padded.first_position
    return replace(padded, num_hidden_layers=layers, max_position_embeddings=most)


def like_encoder(encoder: ModelConfig, layers: int, positions: int) -> BertConfig:
    """Return the config of a decoder of an encoder's blocks; where they are no BERT's, of BERT's.

    Args:
        positions: the most tokens that the decoder reads, the start token included.
    """
    own = family_of(encoder).block(encoder)
    block = _usual(encoder) if own is None else own
    return replace(
        block,
        model_type=block.model_type if block.model_type in DECODERS else "bert",
        num_hidden_layers=layers,
        max_position_embeddings=positions + block.first_position,
        type_vocab_size=max(1, block.type_vocab_size),  # the published code adds one to all tokens
    )


def _usual(encoder: ModelConfig) -> BertConfig:
    """Return a BERT as wide as an encoder, of the usual proportions: heads of 64 numbers."""
    width = sizes_of(encoder).hidden_size
    return BertConfig(
        vocab_size=encoder.vocab_size,
        hidden_size=width,
        num_attention_heads=1 if width % 64 else width // 64,
        intermediate_size=4 * width,
        pad_token_id=getattr(encoder, "pad_token_id", 0),
    )


def starts(layers: int, lender_layers: int) -> Sequence[int]:
    """Return a lender's layers from which a decoder's blocks start: evenly, the last among them.

    >>> starts(2, 6), starts(3, 12), starts(1, 6)
    ([0, 5], [0, 6, 11], [5])
    """
    if layers == 1:
        return [lender_layers - 1]
    last = lender_layers - 1
    return [(2 * number * last + layers - 1) // (2 * (layers - 1)) for number in range(layers)]
