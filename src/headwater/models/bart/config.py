"""The shape of a BART, and the published sizes. Free of torch.

Lewis et al. 2020, "BART: Denoising Sequence-to-Sequence Pre-training", section 2.1: an
encoder-decoder of BERT's layers with learned positions. The field names are those of the published
config.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from headwater.errors import UserError


@dataclass(frozen=True, slots=True)
class BartConfig:
    """Sizes and rates of one model that maps text to text; the defaults are bart-large.

    d_model: the width of the model, that of each token's vector.
    encoder_layers, decoder_layers: the number of layers of that side.
    encoder_attention_heads, decoder_attention_heads: the heads of each attention of that side.
    encoder_ffn_dim, decoder_ffn_dim: the inner width of that side's feed-forward.
    activation_function: the activation of the feed-forward (see `nn.feedforward`).
    dropout: dropout of the embeddings and of each sublayer's output.
    attention_dropout: dropout of the attention weights.
    init_std: the standard deviation of fresh weights.
    """

    model_type: Literal["bart"] = "bart"
    vocab_size: int = 50265
    d_model: int = 1024
    encoder_layers: int = 12
    encoder_attention_heads: int = 16
    encoder_ffn_dim: int = 4096
    decoder_layers: int = 12
    decoder_attention_heads: int = 16
    decoder_ffn_dim: int = 4096
    max_position_embeddings: int = 1024
    """The most tokens of the inputs, and of the targets with their start."""
    activation_function: str = "gelu"
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    """Dropout inside of the feed-forward."""
    scale_embedding: bool = False
    """Multiply the token vectors by d_model ** 0.5."""
    init_std: float = 0.02
    tie_word_embeddings: bool = True
    """One table for inputs and outputs; false: an output layer of its own."""
    pad_token_id: int = 1
    bos_token_id: int = 0
    eos_token_id: int = 2
    decoder_start_token_id: int = 2

    def __post_init__(self) -> None:
        for side in ("encoder", "decoder"):
            heads = getattr(self, f"{side}_attention_heads")
            if self.d_model % heads:
                raise UserError(
                    f"d_model {self.d_model} is not a multiple of {side}_attention_heads {heads}"
                )
        if self.pad_token_id >= self.vocab_size:
            raise UserError(
                f"pad_token_id {self.pad_token_id} is not below vocab_size {self.vocab_size}"
            )


PRESETS: Mapping[str, BartConfig] = {
    "bart-base": BartConfig(
        d_model=768,
        encoder_layers=6,
        encoder_attention_heads=12,
        encoder_ffn_dim=3072,
        decoder_layers=6,
        decoder_attention_heads=12,
        decoder_ffn_dim=3072,
        attention_dropout=0.1,
        activation_dropout=0.1,
    ),
    "bart-large": BartConfig(attention_dropout=0.1, activation_dropout=0.1),
}
