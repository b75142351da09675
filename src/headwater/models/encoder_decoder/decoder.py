"""What stands on an encoder and writes: blocks that attend to its outputs, too.

of a BERT or a RoBERTa                          of a GPT-2

token + position + segment, normalized          token + position
    |                                               |
M x [self-attention, causal ]                   M x [self-attention, causal ]
    [attention to the memory]                       [attention to the memory]
    [feed-forward           ], norms after          [feed-forward           ], norms before
    |                                               |
dense, norm, table                              norm, table
"""

from collections.abc import Iterable
from typing import cast

from torch import Tensor, nn

from headwater.models.bert.config import BertConfig
from headwater.models.bert.network import Embeddings
from headwater.models.bert.network import block as bert_block
from headwater.models.body import Cache, EncoderBody
from headwater.models.cached_decoder import CachedDecoder
from headwater.models.config import ModelConfig
from headwater.models.encoder_heads import masked_lm_head
from headwater.models.families import sizes_of
from headwater.models.gpt.config import GPTConfig
from headwater.models.gpt.network import block as gpt_block
from headwater.models.gpt.network import norm as gpt_norm
from headwater.nn.attention import square_attention
from headwater.nn.block import Block, BorrowingBlock, DecoderBlock, PostNorm, PreNorm
from headwater.nn.dropout import Dropout
from headwater.nn.embedding import empty_embedding, position_vectors
from headwater.nn.norm import LayerNorm
from headwater.nn.output import OutputLayer


class DecoderEmbeddings(nn.Module):
    """The sum of token and position vectors, and that of the first segment, which all have.

    Token vectors `[batch, new, width]` at positions from `earlier` on -> the same shape. A GPT-2
    has no segments, and no norm.
    """

    padding: int | None = None
    first: int = 0

    def __init__(self, config: ModelConfig, *, table: bool) -> None:
        super().__init__()
        self.segment, self.norm = None, None
        if isinstance(config, GPTConfig):
            width, positions, dropout = config.n_embd, config.n_positions, config.embd_pdrop
        else:
            assert isinstance(config, BertConfig)
            width, dropout = config.hidden_size, config.hidden_dropout_prob
            positions = config.max_position_embeddings
            self.first, self.padding = config.first_position, config.pad_token_id
            self.segment = (
                empty_embedding(config.type_vocab_size, width) if config.type_vocab_size else None
            )
            self.norm = LayerNorm(width, config.layer_norm_eps)
        self.token = empty_embedding(config.vocab_size, width, self.padding) if table else None
        self.position = empty_embedding(positions, width)
        self.dropout = Dropout(dropout)

    def forward(self, vectors: Tensor, earlier: int | Tensor) -> Tensor:
        return _summed(self, vectors, earlier + self.first)

    @property
    def longest(self) -> int:
        """The most tokens of a text."""
        return len(self.position.weight) - self.first


class BorrowedEmbeddings(nn.Module):
    """The same sum by the vectors of an encoder, which has the parameters."""

    token = None

    def __init__(self, lender: Embeddings, config: BertConfig) -> None:
        super().__init__()
        self._lender = (lender,)  # no submodule: its parameters are counted and saved once
        self.first, self.padding = config.first_position, config.pad_token_id
        self.longest = config.longest

    def forward(self, vectors: Tensor, earlier: int | Tensor) -> Tensor:
        return _summed(self._lender[0], vectors, earlier + self.first)


def _summed(parts: DecoderEmbeddings | Embeddings, vectors: Tensor, begin: int | Tensor) -> Tensor:
    vectors = vectors + position_vectors(parts.position, begin, vectors.shape[1])
    if parts.segment is not None:
        vectors = vectors + parts.segment.weight[0]
    if parts.norm is not None:
        vectors = parts.norm(vectors)
    output: Tensor = parts.dropout(vectors)
    return output


class Decoder(CachedDecoder):
    """Embeddings, blocks, and the head that scores tokens.

    Args:
        head: states `[.., width]` and vectors `[vocabulary, width]` -> scores.
        norm: after the last block.
        projection: of the memory, where that is not as wide.
    """

    embeddings: DecoderEmbeddings | BorrowedEmbeddings

    def __init__(
        self,
        embeddings: DecoderEmbeddings | BorrowedEmbeddings,
        layers: Iterable[nn.Module],
        head: nn.Module,
        *,
        norm: nn.Module | None = None,
        projection: nn.Linear | None = None,
    ) -> None:
        super().__init__(norm)
        self.projection, self.embeddings = projection, embeddings
        self.layers, self.head = nn.ModuleList(layers), head

    @property
    def longest(self) -> int:
        return self.embeddings.longest

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None) -> Cache:
        if self.projection is not None:
            memory = self.projection(memory)
        return super().init_cache(memory, memory_mask)

    def borrow(self, encoder: EncoderBody, config: BertConfig) -> None:
        """Take the embeddings and the blocks of an encoder in place of those it has."""
        embeddings = encoder.get_submodule("embeddings")
        assert isinstance(embeddings, Embeddings)
        self.embeddings = BorrowedEmbeddings(embeddings, config)
        crosses = [layer.get_submodule("cross") for layer in self.layers]
        self.layers = nn.ModuleList(
            BorrowingBlock(lender=cast(Block, lender), cross=cross)
            for lender, cross in zip(encoder.layers, crosses, strict=True)
        )


def build_decoder(config: ModelConfig, memory_width: int, *, table: bool) -> Decoder:
    """Build a decoder, with empty weights; `table`: it has token vectors of its own."""
    width = sizes_of(config).hidden_size
    projection = None if width == memory_width else nn.Linear(memory_width, width)
    embeddings = DecoderEmbeddings(config, table=table)
    if isinstance(config, GPTConfig):
        layers = [gpt_decoder_block(config) for _ in range(config.n_layer)]
        norm = gpt_norm(config)
        return Decoder(embeddings, layers, OutputLayer(), norm=norm, projection=projection)
    assert isinstance(config, BertConfig)
    head = masked_lm_head(config, width, config.masked_lm_act)
    blocks = [bert_decoder_block(config) for _ in range(config.num_hidden_layers)]
    return Decoder(embeddings, blocks, head, projection=projection)


def bert_decoder_block(config: BertConfig) -> DecoderBlock:
    """Build one layer: BERT's, with attention to the memory in between."""
    own = bert_block(config)
    width, heads = config.hidden_size, config.num_attention_heads
    cross = PostNorm(
        square_attention(width, heads, config.attention_probs_dropout_prob),
        LayerNorm(width, config.layer_norm_eps),
        config.hidden_dropout_prob,
    )
    return DecoderBlock(attention=own.attention, cross=cross, feedforward=own.feedforward)


def gpt_decoder_block(config: GPTConfig) -> DecoderBlock:
    """Build one layer: GPT-2's, with attention to the memory in between."""
    own = gpt_block(config)
    cross = PreNorm(
        square_attention(config.n_embd, config.n_head, config.attn_pdrop),
        gpt_norm(config),
        config.resid_pdrop,
    )
    return DecoderBlock(attention=own.attention, cross=cross, feedforward=own.feedforward)
