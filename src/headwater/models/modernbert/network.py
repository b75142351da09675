"""ModernBERT, an encoder for long texts: Warner et al. 2024, "Smarter, Better, Faster, Longer: A
Modern Bidirectional Encoder for Fast, Memory Efficient, and Long Context Finetuning and Inference",
section 2.1.

    tokens     [CLS]  who  wrote  it  [SEP]
    token        E     E     E    E     E      normalized
                 |
          [norm, attention    ]   every third: to all tokens; the others: to near ones
          [norm, gated feed-forward]           queries and keys are turned by their positions
                 |
               norm
"""

import math

import torch
from torch import Tensor, nn

from headwater.models.body import EncoderBody
from headwater.models.config import HeadName
from headwater.models.encoder_heads import check_length, encoder_heads
from headwater.models.family import Heads
from headwater.models.heads import Head, MaskedLMHead, MeanHead, PooledHead, SpanHead, TokenHead
from headwater.models.modernbert.config import ModernBertConfig
from headwater.nn.attention import Attention
from headwater.nn.block import PreNorm
from headwater.nn.dropout import Dropout
from headwater.nn.embedding import empty_embedding
from headwater.nn.feedforward import ACTIVATIONS, GatedFeedForward
from headwater.nn.masks import additive, block_positions, visible
from headwater.nn.norm import LayerNorm, at_least_float32
from headwater.nn.rotary import Rotation, rotation


def _norm(config: ModernBertConfig) -> LayerNorm:
    return LayerNorm(config.hidden_size, config.norm_eps, bias=config.norm_bias)


class Embeddings(nn.Module):
    """Token vectors, normalized: ids `[batch, length]` -> `[batch, length, hidden]`."""

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        self.token = empty_embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.norm = _norm(config)
        self.dropout = Dropout(config.embedding_dropout)

    def forward(self, ids: Tensor) -> Tensor:
        output: Tensor = self.dropout(self.norm(self.token(ids)))
        return output


class ModernBlock(nn.Module):
    """One layer: attention, then a feed-forward, each inside its residual.

    The first layer reads what is normalized already.
    """

    def __init__(self, config: ModernBertConfig, number: int) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        heads, bias = config.num_attention_heads, config.attention_bias
        attention = Attention(
            *(nn.Linear(width, width, bias=bias) for _ in range(4)),
            heads=heads,
            scale=(width // heads) ** -0.5,
            dropout=config.attention_dropout,
        )
        feedforward = GatedFeedForward(
            nn.Linear(width, inner, bias=config.mlp_bias),
            nn.Linear(width, inner, bias=config.mlp_bias),
            nn.Linear(inner, width, bias=config.mlp_bias),
            config.hidden_activation,
            config.mlp_dropout,
        )
        first = _norm(config) if number else nn.Identity()
        self.attention = PreNorm(attention, first, config.attention_dropout)
        self.feedforward = PreNorm(feedforward, _norm(config), 0.0)

    def forward(self, hidden: Tensor, bias: Tensor | None, positions: Rotation) -> Tensor:
        """Args: states `[batch, length, hidden]`, the bias of the scores, turns by position."""
        output: Tensor = self.feedforward(self.attention(hidden, bias, None, positions))
        return output


class ModernBert(EncoderBody):
    """The encoder."""

    config: ModernBertConfig

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(
            ModernBlock(config, number) for number in range(config.num_hidden_layers)
        )
        self.norm = _norm(config)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Tensor:
        config = self.config
        check_length(input_ids, blocks, config.max_position_embeddings)
        hidden = self.embeddings(input_ids)
        dtype = at_least_float32(hidden).dtype
        allowed = visible(attention_mask, query_blocks=blocks, key_blocks=blocks)
        whole = torch.arange(input_ids.shape[1], device=input_ids.device)
        near = (whole[:, None] - whole).abs() <= config.local_attention // 2
        local = near[None, None] if allowed is None else allowed & near
        # Positions begin again in each text of a packed sequence.
        positions = whole if blocks is None else block_positions(blocks)[:, None]
        width = config.hidden_size // config.num_attention_heads
        far, close = (
            rotation(positions, width, base, dtype)
            for base in (config.global_rope_theta, config.local_rope_theta)
        )
        every, some = additive(allowed, dtype), additive(local, dtype)
        for layer, kind in zip(self.layers, config.layer_types, strict=True):
            full = kind == "full_attention"
            hidden = layer(hidden, every if full else some, far if full else close)
        return at_least_float32(self.norm(hidden))


def build_body(config: ModernBertConfig, bare: bool) -> ModernBert:
    """Build the network, with empty weights; no head changes it."""
    return ModernBert(config)


def initialize(model: nn.Module, config: ModernBertConfig) -> None:
    """Draw fresh weights as the published code does: normal, cut off, narrow where sums begin."""
    usual = config.initializer_range
    narrow = usual / math.sqrt(2 * config.num_hidden_layers)
    of_heads: dict[nn.Module | None, float] = {}
    for part in model.modules():
        if isinstance(part, MaskedLMHead):
            of_heads |= {part.dense: narrow, part.decoder: narrow}
        elif isinstance(part, Head):
            of_heads[getattr(part, "dense", None)] = config.hidden_size**-0.5
    for name, part in model.named_modules():
        if isinstance(part, LayerNorm):
            nn.init.ones_(part.weight)
        if isinstance(part, nn.Linear | nn.Embedding):
            ends = name.endswith(("attention.layer.output", "outer", "transform.dense"))
            deviation = of_heads.get(part, narrow if ends else usual)
            cut = config.initializer_cutoff_factor * deviation
            nn.init.trunc_normal_(part.weight, 0.0, deviation, -cut, cut)
        for own, parameter in part.named_parameters(recurse=False):
            if own == "bias":
                nn.init.zeros_(parameter)


class Transform(nn.Module):
    """What each head begins with, a dense layer, its activation and a norm: `[.., hidden]`."""

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.dense = nn.Linear(width, width, bias=config.classifier_bias)
        self.activation = ACTIVATIONS[config.classifier_activation]
        self.norm = _norm(config)

    def forward(self, hidden: Tensor) -> Tensor:
        output: Tensor = self.norm(self.activation(self.dense(hidden)))
        return output


class FirstToken(nn.Module):
    """The transform of the first token: `[batch, length, hidden]` -> `[batch, hidden]`."""

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        self.transform = Transform(config)

    def forward(self, hidden: Tensor) -> Tensor:
        output: Tensor = self.transform(hidden if hidden.dim() == 2 else hidden[:, 0])
        return output


def _pooled(config: ModernBertConfig, name: HeadName, outputs: int) -> PooledHead:
    kind = MeanHead if config.classifier_pooling == "mean" else PooledHead
    dense = nn.Linear(config.hidden_size, outputs)
    return kind(FirstToken(config), dense, config.classifier_dropout, name)


def _masked_lm(config: ModernBertConfig) -> MaskedLMHead:
    width = config.hidden_size
    return MaskedLMHead(
        nn.Linear(width, width, bias=config.classifier_bias),
        config.vocab_size,
        config.classifier_activation,
        config.norm_eps,
        tied=config.tie_word_embeddings,
        norm_bias=config.norm_bias,
    )


HEADS: Heads[ModernBertConfig] = encoder_heads(
    span=lambda config: SpanHead(config.hidden_size, config.classifier_dropout, Transform(config)),
    pooled=_pooled,
    token=lambda config: TokenHead(
        config.hidden_size, len(config.label_names), config.classifier_dropout, Transform(config)
    ),
    masked_lm=_masked_lm,
)
