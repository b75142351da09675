"""BART, an encoder-decoder of BERT's layers: Lewis et al. 2020, "BART: Denoising
Sequence-to-Sequence Pre-training for Natural Language Generation, Translation, and Comprehension",
section 2.1.

    <s> inputs </s>                  </s> targets, shifted right by one
        |                                |
    token + position, normalized     token + position, normalized      one table of tokens
        |                                |
    N x [self-attention, all]        M x [self-attention, causal ]
        [feed-forward       ]            [attention to the memory] <--+
        |                                [feed-forward           ]    |
      memory --------------------------- | ---------------------------+
                                      the table -> a score for each token
"""

from dataclasses import replace

from torch import Tensor, nn

from headwater.models.bart.config import BartConfig
from headwater.models.body import entering
from headwater.models.cached_decoder import CachedDecoder, CachedTextToText
from headwater.models.encoder_heads import check_length, draw_normal
from headwater.models.losses import Batch
from headwater.nn.attention import square_attention
from headwater.nn.block import Block, DecoderBlock, PostNorm
from headwater.nn.dropout import Dropout
from headwater.nn.embedding import empty_embedding, position_vectors
from headwater.nn.feedforward import FeedForward
from headwater.nn.masks import additive, visible
from headwater.nn.norm import LayerNorm, at_least_float32
from headwater.nn.output import OutputLayer, copied_output

_EPS = 1e-5
_OFFSET = 2
"""The first position's row; fairseq left room for padding."""


def _attention(config: BartConfig, heads: int) -> PostNorm:
    layer = square_attention(config.d_model, heads, config.attention_dropout)
    return PostNorm(layer, LayerNorm(config.d_model, _EPS), config.dropout)


def _feedforward(config: BartConfig, inner: int) -> PostNorm:
    width = config.d_model
    layer = FeedForward(
        nn.Linear(width, inner),
        nn.Linear(inner, width),
        config.activation_function,
        config.activation_dropout,
    )
    return PostNorm(layer, LayerNorm(width, _EPS), config.dropout)


class Embeddings(nn.Module):
    """Token vectors `[batch, new, width]` and those of their positions, from `earlier` on."""

    def __init__(self, config: BartConfig) -> None:
        super().__init__()
        self.position = empty_embedding(config.max_position_embeddings + _OFFSET, config.d_model)
        self.norm = LayerNorm(config.d_model, _EPS)
        self.dropout = Dropout(config.dropout)

    def forward(self, vectors: Tensor, earlier: int | Tensor = 0) -> Tensor:
        positions = position_vectors(self.position, earlier + _OFFSET, vectors.shape[1])
        vectors = vectors + positions
        output: Tensor = self.dropout(self.norm(vectors))
        return output


class Encoder(nn.Module):
    """Embeddings and layers: vectors `[batch, inputs, width]` -> the memory, the same shape."""

    def __init__(self, config: BartConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(
            Block(
                attention=_attention(config, config.encoder_attention_heads),
                feedforward=_feedforward(config, config.encoder_ffn_dim),
            )
            for _ in range(config.encoder_layers)
        )

    def forward(self, vectors: Tensor, allowed: Tensor | None) -> Tensor:
        hidden = self.embeddings(vectors)
        bias = additive(allowed, at_least_float32(hidden).dtype)
        for layer in self.layers:
            hidden = layer(hidden, bias)
        return at_least_float32(hidden)


class Decoder(CachedDecoder):
    """Embeddings and layers that attend to the memory, too."""

    embeddings: Embeddings

    def __init__(self, config: BartConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(
            DecoderBlock(
                attention=_attention(config, config.decoder_attention_heads),
                cross=_attention(config, config.decoder_attention_heads),
                feedforward=_feedforward(config, config.decoder_ffn_dim),
            )
            for _ in range(config.decoder_layers)
        )

    @property
    def longest(self) -> int:
        return len(self.embeddings.position.weight) - _OFFSET


class Bart(CachedTextToText):
    """The whole model.

    A batch holds `input_ids` `[batch, inputs]`, `attention_mask` of that shape (left out: all real)
    and `labels` `[batch, targets]`, IGNORED where there is no target.
    """

    config: BartConfig

    def __init__(self, config: BartConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = empty_embedding(config.vocab_size, config.d_model, config.pad_token_id)
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        tied = config.tie_word_embeddings
        self.output = None if tied else nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.scoring = OutputLayer()

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return the memory `[batch, inputs, width]` of ids `[batch, inputs]`."""
        check_length(input_ids, None, self.config.max_position_embeddings)
        memory: Tensor = self.encoder(self.vectors(input_ids), visible(attention_mask))
        return memory

    def layer_outputs(self, batch: Batch) -> list[Tensor]:
        """Return those of the encoder."""
        with entering(self.encoder.layers) as entered:
            last = self.encode(batch["input_ids"], batch.get("attention_mask"))
        return [*entered, last]

    def scores(self, states: Tensor) -> Tensor:
        scores: Tensor = self.scoring(states, (self.output or self.embedding).weight)
        return scores

    def untied_output(self) -> nn.Linear:
        """Return the output layer; where scores are tied, it becomes a copy of the table."""
        if self.output is None:
            self.output = copied_output(self.embedding.weight)
            self.config = replace(self.config, tie_word_embeddings=False)
        return self.output

    def vectors(self, ids: Tensor) -> Tensor:
        vectors: Tensor = self.embedding(ids)
        return vectors * self.config.d_model**0.5 if self.config.scale_embedding else vectors


def build_body(config: BartConfig, bare: bool) -> Bart:
    """Build the network, with empty weights."""
    return Bart(config)


def initialize(model: nn.Module, config: BartConfig) -> None:
    """Draw fresh weights as the published code does."""
    draw_normal(model, config.init_std)
