"""MPNet, a RoBERTa with T5's relative positions: Song et al. 2020, "MPNet: Masked and Permuted
Pre-training for Language Understanding", section 3.1.

    tokens    <s>  who  wrote  it  </s>
    token + position, normalized
              |
        a stack of BERT's blocks  <---  a number for each head and distance, added to the scores
              |
        pooler: a dense tanh layer on <s>
"""

import torch
from torch import Tensor, nn

from headwater.models.bert.network import Embeddings, block
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
from headwater.models.heads import PooledHead
from headwater.models.mpnet.config import MPNetConfig
from headwater.nn.masks import additive, visible
from headwater.nn.norm import at_least_float32
from headwater.nn.pooler import Pooler
from headwater.nn.positions import RelativePositions

_FURTHEST = 128  # distances beyond share the last bucket


class MPNet(EncoderBody):
    """The encoder.

    Args:
        config: the sizes.
        pooler: keep the dense layer on the first position, which the published body carries.
            A head that needs one owns its own.
    """

    config: MPNetConfig

    def __init__(self, config: MPNetConfig, *, pooler: bool = False) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config.layer)
        self.positions = RelativePositions(
            config.relative_attention_num_buckets,
            _FURTHEST,
            config.num_attention_heads,
            both_sides=True,
        )
        self.layers = nn.ModuleList(block(config.layer) for _ in range(config.num_hidden_layers))
        self.pooler = Pooler(config.hidden_size, "tanh") if pooler else None

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Tensor:
        check_length(input_ids, blocks, self.config.layer.longest)
        hidden = self.embeddings(input_ids, None, blocks)
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        bias = self.positions(positions, positions)
        allowed = visible(attention_mask, query_blocks=blocks, key_blocks=blocks)
        hiding = additive(allowed, bias.dtype)
        bias = bias if hiding is None else bias + hiding
        for layer in self.layers:
            hidden = layer(hidden, bias)
        return at_least_float32(hidden)


def build_body(config: MPNetConfig, bare: bool) -> MPNet:
    """Build the network, with empty weights."""
    return MPNet(config, pooler=bare)


def initialize(model: nn.Module, config: MPNetConfig) -> None:
    """Draw fresh weights as the published code does."""
    draw_normal(model, config.initializer_range)


def _pooled(config: MPNetConfig, name: HeadName, outputs: int) -> PooledHead:
    dropout, width = config.hidden_dropout_prob, config.hidden_size
    return PooledHead(Pooler(width, "tanh", dropout), nn.Linear(width, outputs), dropout, name)


HEADS: Heads[MPNetConfig] = encoder_heads(
    pooled=_pooled,
    token=lambda config: token_head(config, config.hidden_dropout_prob),
    masked_lm=lambda config: masked_lm_head(config, config.hidden_size, "gelu"),
)
