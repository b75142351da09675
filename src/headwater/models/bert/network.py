"""BERT, a bidirectional encoder: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional
Transformers for Language Understanding", section 3 and figure 2.

    tokens     [CLS]  who  wrote  it  [SEP]  she  did  [SEP]
    token        E     E     E    E     E     E    E     E
    segment      A     A     A    A     A     B    B     B      summed, normalized, dropped out
    position     0     1     2    3     4     5    6     7
                 |     |     |    |     |     |    |     |
               a stack of blocks, each position seeing all
                 |
               pooler: a dense tanh layer on [CLS]
"""

import torch
from torch import Tensor, nn

from headwater.models.bert.config import BertConfig
from headwater.models.body import EncoderBody
from headwater.models.config import HeadName
from headwater.models.encoder_heads import (
    check_length,
    draw_normal,
    encoder_heads,
    masked_lm_head,
    token_head,
)
from headwater.models.family import Heads
from headwater.models.heads import (
    MaskedLMHead,
    PooledHead,
    PreTrainingHead,
    SpanHead,
    TokenHead,
)
from headwater.nn.attention import square_attention
from headwater.nn.block import Block, PostNorm, PreNorm
from headwater.nn.dropout import Dropout
from headwater.nn.embedding import empty_embedding
from headwater.nn.feedforward import FeedForward
from headwater.nn.masks import additive, block_positions, visible
from headwater.nn.norm import LayerNorm, at_least_float32
from headwater.nn.pooler import Pooler


class Embeddings(nn.Module):
    """The sum of token, segment and position vectors (section 3, "Input/Output Representations").

    ids `[batch, length]`, segments and blocks of that shape or None -> `[batch, length, hidden]`.
    Positions begin again in each block.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        # RoBERTa counts only real tokens, from one index after the padding's own.
        self.padding = config.pad_token_id if config.roberta else None
        # The vectors of padding are never trained, as published.
        self.token = empty_embedding(config.vocab_size, width, config.pad_token_id)
        self.position = empty_embedding(config.max_position_embeddings, width, self.padding)
        self.segment = (
            empty_embedding(config.type_vocab_size, width) if config.type_vocab_size else None
        )
        self.norm = LayerNorm(width, config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, ids: Tensor, segments: Tensor | None, blocks: Tensor | None = None) -> Tensor:
        vectors = self.token(ids) + self.position(self._positions(ids, blocks))
        if self.segment is not None:
            alone = segments is None or len(self.segment.weight) == 1  # all are of the first
            vectors = vectors + (self.segment.weight[0] if alone else self.segment(segments))
        output: Tensor = self.dropout(self.norm(vectors))
        return output

    def _positions(self, ids: Tensor, blocks: Tensor | None) -> Tensor:
        if self.padding is None:
            if blocks is not None:
                return block_positions(blocks) * (blocks > 0)  # padding may be longer than texts
            return torch.arange(ids.shape[1], device=ids.device)
        real = (ids != self.padding).long()
        count = real.cumsum(1) if blocks is None else block_positions(blocks) + 1
        return count * real + self.padding


def block(config: BertConfig) -> Block:
    """Build one layer of the encoder: attention, then feed-forward, each inside its residual.

    A pre-norm layer (Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture",
    section 3.2) is [norm, attention, dropout] and [norm, dense, activation, dropout, dense,
    dropout]; a published one drops nothing inside the feed-forward, and normalizes each sum.
    """
    width, heads = config.hidden_size, config.num_attention_heads
    # DistilBERT drops nothing after its attention.
    after_attention = 0.0 if config.model_type == "distilbert" else config.hidden_dropout_prob
    attention = square_attention(width, heads, config.attention_probs_dropout_prob)
    feedforward = FeedForward(
        nn.Linear(width, config.intermediate_size),
        nn.Linear(config.intermediate_size, width),
        config.hidden_act,
        dropout=config.hidden_dropout_prob if config.pre_norm else 0.0,
    )
    residual = PreNorm if config.pre_norm else PostNorm
    return Block(
        attention=residual(attention, LayerNorm(width, config.layer_norm_eps), after_attention),
        feedforward=residual(
            feedforward, LayerNorm(width, config.layer_norm_eps), config.hidden_dropout_prob
        ),
    )


class Bert(EncoderBody):
    """The encoder.

    Args:
        config: the sizes.
        pooler: keep the dense layer on the first position, which the published body carries.
            A head that needs one owns its own.
    """

    config: BertConfig
    embeddings: Embeddings

    def __init__(self, config: BertConfig, *, pooler: bool = False) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(block(config) for _ in range(config.num_hidden_layers))
        last_norm = LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.norm = last_norm if config.pre_norm else None
        self.pooler = Pooler(config.hidden_size, "tanh") if pooler else None

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Tensor:
        check_length(input_ids, blocks, self.config.longest)
        hidden = self.embeddings(input_ids, token_type_ids, blocks)
        allowed = visible(attention_mask, query_blocks=blocks, key_blocks=blocks)
        bias = additive(allowed, at_least_float32(hidden).dtype)
        for layer in self.layers:
            hidden = layer(hidden, bias)
        return at_least_float32(hidden if self.norm is None else self.norm(hidden))


def build_body(config: BertConfig, bare: bool) -> Bert:
    """Build the network, with empty weights."""
    return Bert(config, pooler=bare and config.model_type != "distilbert")


def initialize(model: nn.Module, config: BertConfig) -> None:
    """Draw fresh weights as the published code does."""
    draw_normal(model, config.initializer_range)


def _pooled(config: BertConfig, name: HeadName, outputs: int) -> PooledHead:
    dropout = config.classifier_dropout
    distilled = config.model_type == "distilbert"
    pooler = Pooler(
        config.hidden_size, "relu" if distilled else "tanh", dropout if config.roberta else 0.0
    )
    return PooledHead(pooler, nn.Linear(config.hidden_size, outputs), dropout, name)


def _token(config: BertConfig) -> TokenHead:
    distilled = config.model_type == "distilbert"  # drops less before a token's class
    dropout = config.hidden_dropout_prob if distilled else config.classifier_dropout
    return token_head(config, dropout)


def _masked_lm(config: BertConfig) -> MaskedLMHead:
    return masked_lm_head(config, config.hidden_size, config.masked_lm_act)


def _next_sentence(config: BertConfig) -> PooledHead:
    pooler = Pooler(config.hidden_size, "tanh")
    return PooledHead(pooler, nn.Linear(config.hidden_size, 2), 0.0, "next_sentence")


HEADS: Heads[BertConfig] = {
    **encoder_heads(
        span=lambda config: SpanHead(config.hidden_size, config.span_dropout),
        pooled=_pooled,
        token=_token,
        masked_lm=_masked_lm,
    ),
    "next_sentence": _next_sentence,
    "pretraining": lambda config: PreTrainingHead(_masked_lm(config), _next_sentence(config)),
}
