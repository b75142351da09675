"""ELECTRA, a BERT that learned to tell replaced tokens from those of the text: Clark et al. 2020,
"ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators", section 3.1.

    tokens    the  chef  ate  the  meal        "cooked" was replaced by "ate"
    token + segment + position, normalized     narrow vectors
              |
        a dense layer to the width of the layers, if that is another
              |
        a stack of BERT's blocks
              |
        replaced?   0   0   1   0   0
"""

from torch import Tensor, nn
from torch.nn import functional as F

from headwater.models.bert.network import Embeddings, block
from headwater.models.body import EncoderBody
from headwater.models.config import HeadName
from headwater.models.electra.config import ElectraConfig
from headwater.models.electra.replaced import ReplacedTokenHead
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


class Electra(EncoderBody):
    """The encoder, of a discriminator or of a generator."""

    config: ElectraConfig

    def __init__(self, config: ElectraConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config.embedding)
        same = config.embedding_size == config.hidden_size
        self.projection = None if same else nn.Linear(config.embedding_size, config.hidden_size)
        self.layers = nn.ModuleList(block(config.layer) for _ in range(config.num_hidden_layers))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Tensor:
        check_length(input_ids, blocks, self.config.max_position_embeddings)
        hidden = self.embeddings(input_ids, token_type_ids, blocks)
        if self.projection is not None:
            hidden = self.projection(hidden)
        allowed = visible(attention_mask, query_blocks=blocks, key_blocks=blocks)
        bias = additive(allowed, at_least_float32(hidden).dtype)
        for layer in self.layers:
            hidden = layer(hidden, bias)
        return at_least_float32(hidden)

    @property
    def token_vectors(self) -> Tensor:
        table = self.token_embedding
        return table if self.projection is None else F.linear(table, self.projection.weight)


def build_body(config: ElectraConfig, bare: bool) -> Electra:
    """Build the network, with empty weights; no head changes it."""
    return Electra(config)


def initialize(model: nn.Module, config: ElectraConfig) -> None:
    """Draw fresh weights as the published code does."""
    draw_normal(model, config.initializer_range)


def _pooled(config: ElectraConfig, name: HeadName, outputs: int) -> PooledHead:
    dropout, width = config.classifier_dropout, config.hidden_size
    return PooledHead(Pooler(width, "gelu", dropout), nn.Linear(width, outputs), dropout, name)


HEADS: Heads[ElectraConfig] = {
    **encoder_heads(
        pooled=_pooled,
        token=lambda config: token_head(config, config.classifier_dropout),
        masked_lm=lambda config: masked_lm_head(config, config.embedding_size, "gelu"),
    ),
    "replaced_token": ReplacedTokenHead,
}
