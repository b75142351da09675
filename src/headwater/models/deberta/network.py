"""DeBERTa, a BERT whose attention compares contents and distances apart: He et al. 2021, "DeBERTa:
Decoding-enhanced BERT with Disentangled Attention", section 3 and figure 2.

    tokens     [CLS]  who  wrote  it  [SEP]
    token        E     E     E    E     E      normalized; no positions are added
                 |
          a stack of blocks  <---  vectors of distances, normalized, the same for every block
                 |
          beside the first block a convolution over neighbours, in the larger ones (v2)
"""

from torch import Tensor, nn

from headwater.errors import UserError
from headwater.models.body import EncoderBody
from headwater.models.config import HeadName
from headwater.models.deberta.config import DebertaConfig
from headwater.models.encoder_heads import check_length, draw_normal, encoder_heads, token_head
from headwater.models.family import Heads
from headwater.models.heads import MaskedLMHead, PooledHead
from headwater.nn.attention import square_attention
from headwater.nn.block import PostNorm
from headwater.nn.disentangled import RelativeTable, distance_index
from headwater.nn.dropout import Dropout
from headwater.nn.embedding import empty_embedding
from headwater.nn.feedforward import ACTIVATIONS, FeedForward
from headwater.nn.masks import visible
from headwater.nn.norm import LayerNorm, at_least_float32
from headwater.nn.pooler import Pooler


class Embeddings(nn.Module):
    """Token and segment vectors, and those of distances.

    ids `[batch, length]`, segments of that shape or None -> `[batch, length, hidden]`.
    """

    def __init__(self, config: DebertaConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.token = empty_embedding(config.vocab_size, width, config.pad_token_id)
        self.segment = (
            empty_embedding(config.type_vocab_size, width) if config.type_vocab_size else None
        )
        self.norm = LayerNorm(width, eps)
        self.relative = empty_embedding(2 * config.span, width)
        self.relative_norm = LayerNorm(width, eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, ids: Tensor, segments: Tensor | None) -> Tensor:
        vectors = self.token(ids)
        if self.segment is not None:
            first = self.segment.weight[0]
            vectors = vectors + (first if segments is None else self.segment(segments))
        output: Tensor = self.dropout(self.norm(vectors))
        return output

    def distances(self) -> Tensor:
        """Return the vectors of distances `[2 * span, hidden]`, dropped out anew."""
        vectors: Tensor = self.dropout(self.relative_norm(self.relative.weight))
        return vectors


class Convolution(nn.Module):
    """A convolution over what a layer reads, added to what it gives: `[batch, length, hidden]`."""

    def __init__(self, config: DebertaConfig) -> None:
        super().__init__()
        width, kernel = config.hidden_size, config.conv_kernel_size
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2)
        self.activation = ACTIVATIONS[config.conv_act]
        self.norm = LayerNorm(width, config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, read: Tensor, given: Tensor, mask: Tensor | None) -> Tensor:
        """Args: what the layer read and gave, and which positions are real, `[batch, length]`."""
        real = None if mask is None else mask.bool().unsqueeze(-1)
        found = self.conv(read.transpose(1, 2)).transpose(1, 2)
        output: Tensor = self.norm(given + self.activation(self.dropout(found)))
        return output if real is None else output * real


class DisentangledBlock(nn.Module):
    """Attention with distances, then a feed-forward: `[batch, length, hidden]`."""

    def __init__(self, config: DebertaConfig, convolution: Convolution | None) -> None:
        super().__init__()
        width, dropout, eps = config.hidden_size, config.hidden_dropout_prob, config.layer_norm_eps
        attention = square_attention(
            width, config.num_attention_heads, config.attention_probs_dropout_prob, products=3
        )
        feedforward = FeedForward(
            nn.Linear(width, config.intermediate_size),
            nn.Linear(config.intermediate_size, width),
            config.hidden_act,
            dropout=0.0,
        )
        self.attention = PostNorm(attention, LayerNorm(width, eps), dropout)
        self.feedforward = PostNorm(feedforward, LayerNorm(width, eps), dropout)
        self.convolution = convolution

    def forward(self, hidden: Tensor, relative: RelativeTable, mask: Tensor | None) -> Tensor:
        """Args: the states, distances, and which positions are real, `[batch, length]`."""
        output: Tensor = self.feedforward(self.attention(hidden, None, None, relative))
        if self.convolution is not None:
            output = self.convolution(hidden, output, mask)
        return output


class Deberta(EncoderBody):
    """The encoder."""

    config: DebertaConfig
    embeddings: Embeddings

    def __init__(self, config: DebertaConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        first = Convolution(config) if config.convolves else None
        self.layers = nn.ModuleList(
            DisentangledBlock(config, None if number else first)
            for number in range(config.num_hidden_layers)
        )

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Tensor:
        config, length = self.config, input_ids.shape[1]
        check_length(input_ids, blocks, config.max_position_embeddings)
        if blocks is not None and config.convolves:
            raise UserError("a DeBERTa with a convolution cannot read packed sequences")
        hidden = self.embeddings(input_ids, token_type_ids)
        allowed = visible(attention_mask, query_blocks=blocks, key_blocks=blocks)
        if attention_mask is not None and allowed is not None:
            real = attention_mask.bool()
            hidden, allowed = hidden * real.unsqueeze(-1), allowed & real[:, None, :, None]
        furthest = config.furthest if config.buckets else None
        index = distance_index(length, config.span, furthest, hidden.device)
        for layer in self.layers:
            relative = RelativeTable(self.embeddings.distances(), index, allowed)
            hidden = layer(hidden, relative, attention_mask)
        return at_least_float32(hidden)


def build_body(config: DebertaConfig, bare: bool) -> Deberta:
    """Build the network, with empty weights; no head changes it."""
    return Deberta(config)


def initialize(model: nn.Module, config: DebertaConfig) -> None:
    """Draw fresh weights as the published code does."""
    draw_normal(model, config.initializer_range)
    for part in model.modules():
        if isinstance(part, nn.Conv1d):
            nn.init.normal_(part.weight, 0.0, config.initializer_range)


def _pooled(config: DebertaConfig, name: HeadName, outputs: int) -> PooledHead:
    width = config.hidden_size
    pooler = Pooler(width, config.pooler_hidden_act, config.pooler_dropout)
    return PooledHead(pooler, nn.Linear(width, outputs), config.classifier_dropout, name)


def _masked_lm(config: DebertaConfig) -> MaskedLMHead:
    dense = nn.Linear(config.hidden_size, config.hidden_size)
    return MaskedLMHead(dense, config.vocab_size, config.hidden_act, config.layer_norm_eps)


HEADS: Heads[DebertaConfig] = encoder_heads(
    pooled=_pooled,
    token=lambda config: token_head(config, config.hidden_dropout_prob),
    masked_lm=_masked_lm,
)
