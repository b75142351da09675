"""ALBERT, a BERT whose layers share their parameters: Lan et al. 2020, "ALBERT: A Lite BERT for
Self-supervised Learning of Language Representations", section 3.1.

    tokens    [CLS]  who  wrote  it  [SEP]
    token + segment + position, normalized     narrow vectors
              |
        a dense layer to the width of the layers
              |
        one of BERT's blocks, again and again
              |
        pooler: a dense tanh layer on [CLS]
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from headwater.models.albert.config import AlbertConfig
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
from headwater.nn.masks import additive, visible
from headwater.nn.norm import at_least_float32
from headwater.nn.pooler import Pooler


class Group(nn.Module):
    """The blocks that layers of a group share: `[batch, length, hidden]` and the bias."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(block(config.layer) for _ in range(config.inner_group_num))

    def forward(self, hidden: Tensor, bias: Tensor | None) -> Tensor:
        for each in self.blocks:
            hidden = each(hidden, bias)
        return hidden


class Albert(EncoderBody):
    """The encoder.

    Args:
        config: the sizes.
        pooler: keep the dense layer on the first position, which the published body carries.
            A head that needs one owns its own.
    """

    config: AlbertConfig

    def __init__(self, config: AlbertConfig, *, pooler: bool = False) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config.embedding)
        self.projection = nn.Linear(config.embedding_size, config.hidden_size)
        self.layers = nn.ModuleList(Group(config) for _ in range(config.num_hidden_groups))
        self.pooler = Pooler(config.hidden_size, "tanh") if pooler else None

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Tensor:
        check_length(input_ids, blocks, self.config.max_position_embeddings)
        hidden = self.projection(self.embeddings(input_ids, token_type_ids, blocks))
        allowed = visible(attention_mask, query_blocks=blocks, key_blocks=blocks)
        bias = additive(allowed, at_least_float32(hidden).dtype)
        for number in range(self.config.num_hidden_layers):
            hidden = self._group(number)(hidden, bias)
        return at_least_float32(hidden)

    def block(self, number: int) -> nn.Module:
        """Return the first block of a layer's group."""
        return cast(Group, self._group(number)).blocks[0]

    def _group(self, number: int) -> nn.Module:
        layers, groups = self.config.num_hidden_layers, self.config.num_hidden_groups
        return self.layers[int(number / (layers / groups))]

    @property
    def token_vectors(self) -> Tensor:
        return F.linear(self.token_embedding, self.projection.weight)


def build_body(config: AlbertConfig, bare: bool) -> Albert:
    """Build the network, with empty weights."""
    return Albert(config, pooler=bare)


def initialize(model: nn.Module, config: AlbertConfig) -> None:
    """Draw fresh weights as the published code does."""
    draw_normal(model, config.initializer_range)


def _pooled(config: AlbertConfig, name: HeadName, outputs: int) -> PooledHead:
    dense = nn.Linear(config.hidden_size, outputs)
    return PooledHead(Pooler(config.hidden_size, "tanh"), dense, config.classifier_dropout, name)


HEADS: Heads[AlbertConfig] = encoder_heads(
    pooled=_pooled,
    token=lambda config: token_head(config, config.classifier_dropout),
    masked_lm=lambda config: masked_lm_head(config, config.embedding_size, config.hidden_act),
)
