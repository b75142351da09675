"""An encoder-decoder of BERT's blocks: Rothe, Narayan and Severyn 2020, "Leveraging Pre-trained
Checkpoints for Sequence Generation Tasks", section 2.

    [CLS] inputs [SEP]               [CLS] targets, shifted right by one
        |                                |
    embeddings                       embeddings (one table of tokens, own positions)
        |                                |
    N x [self-attention, all]        M x [self-attention, causal ]
        [feed-forward       ]            [attention to the memory] <--+
        |                                [feed-forward           ]    |
        |                                |                            |
      memory --------------------------- | ---------------------------+
                                      dense, norm, table -> a score for each token
"""

from typing import cast

from torch import Tensor, nn

from headwater.models.bert.config import BertConfig
from headwater.models.bert.network import Bert, block
from headwater.models.bert.network import initialize as initialize_bert
from headwater.models.body import Cache, EncoderBody
from headwater.models.cached_decoder import CachedDecoder
from headwater.models.encoder_decoder.config import EncoderDecoderConfig
from headwater.models.heads import MaskedLMHead
from headwater.models.losses import Batch
from headwater.models.text_to_text import TextToText, shift_right
from headwater.nn.attention import square_attention
from headwater.nn.block import DecoderBlock, PostNorm
from headwater.nn.dropout import Dropout
from headwater.nn.embedding import empty_embedding, position_vectors
from headwater.nn.norm import LayerNorm


class DecoderEmbeddings(nn.Module):
    """The sum of token and position vectors, and that of the first segment, which all have.

    Token vectors `[batch, new, width]` at positions from `earlier` on -> the same shape.
    """

    def __init__(self, config: BertConfig, *, table: bool) -> None:
        super().__init__()
        width, padding = config.hidden_size, config.pad_token_id
        self.token = empty_embedding(config.vocab_size, width, padding) if table else None
        self.position = empty_embedding(config.max_position_embeddings, width)
        self.segment = (
            empty_embedding(config.type_vocab_size, width) if config.type_vocab_size else None
        )
        self.norm = LayerNorm(width, config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, vectors: Tensor, earlier: int | Tensor) -> Tensor:
        vectors = vectors + position_vectors(self.position, earlier, vectors.shape[1])
        if self.segment is not None:
            vectors = vectors + self.segment.weight[0]
        output: Tensor = self.dropout(self.norm(vectors))
        return output


def decoder_block(config: BertConfig) -> DecoderBlock:
    """Build one layer of the decoder: BERT's, with attention to the memory in between."""
    own = block(config)
    width, heads = config.hidden_size, config.num_attention_heads
    cross = PostNorm(
        square_attention(width, heads, config.attention_probs_dropout_prob),
        LayerNorm(width, config.layer_norm_eps),
        config.hidden_dropout_prob,
    )
    return DecoderBlock(attention=own.attention, cross=cross, feedforward=own.feedforward)


class Decoder(CachedDecoder):
    """What stands on the encoder: embeddings, blocks, and the head that scores tokens."""

    embeddings: DecoderEmbeddings

    def __init__(self, config: EncoderDecoderConfig) -> None:
        super().__init__()
        sizes = config.decoder
        self.embeddings = DecoderEmbeddings(sizes, table=not config.shared_embeddings)
        self.layers = nn.ModuleList(decoder_block(sizes) for _ in range(sizes.num_hidden_layers))
        self.head = MaskedLMHead(
            nn.Linear(sizes.hidden_size, sizes.hidden_size),
            sizes.vocab_size,
            sizes.hidden_act,
            sizes.layer_norm_eps,
            tied=config.tie_word_embeddings,
        )

    @property
    def longest(self) -> int:
        return len(self.embeddings.position.weight)


class EncoderDecoder(TextToText):
    """The whole model.

    A batch holds `input_ids` `[batch, inputs]`, `attention_mask` of that shape (left out: all real)
    and `labels` `[batch, targets]`, IGNORED where there is no target.
    """

    config: EncoderDecoderConfig

    def __init__(self, config: EncoderDecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Bert(config.encoder)
        self.decoder = Decoder(config)

    @property
    def head(self) -> nn.Module:
        """The decoder, which trains as a whole where the encoder is only adapted."""
        return self.decoder

    def take_encoder(self, encoder: EncoderBody) -> None:
        self.encoder = cast(Bert, encoder)

    @property
    def table(self) -> nn.Embedding:
        """The decoder's token vectors `[vocabulary, width]`, which may be the encoder's."""
        return self.decoder.embeddings.token or self.encoder.embeddings.token

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return the memory `[batch, inputs, width]` of ids `[batch, inputs]`."""
        memory: Tensor = self.encoder(input_ids, attention_mask)
        return memory

    def layer_outputs(self, batch: Batch) -> list[Tensor]:
        """Return those of the encoder."""
        return self.encoder.layer_outputs(batch)

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None = None) -> Cache:
        """Project the memory `[batch, inputs, width]` once for each layer of the decoder."""
        return self.decoder.init_cache(memory, memory_mask)

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        cache.append(ids)
        return self.scores(self.decoder(self.table(ids), cache)[:, -1])

    def states(self, batch: Batch) -> Tensor:
        """Return the decoder's states `[batch, targets, width]`."""
        mask = batch.get("attention_mask")
        cache = self.init_cache(self.encode(batch["input_ids"], mask), mask)
        ids = shift_right(batch["labels"], self.start_id, self.config.pad_token_id)
        states: Tensor = self.decoder(self.table(ids), cache)
        return states

    def scores(self, states: Tensor) -> Tensor:
        scores: Tensor = self.decoder.head(states, self.table.weight)
        return scores


def build_body(config: EncoderDecoderConfig, bare: bool) -> EncoderDecoder:
    """Build the network, with empty weights."""
    return EncoderDecoder(config)


def initialize(model: nn.Module, config: EncoderDecoderConfig) -> None:
    """Draw fresh weights as the published code does: those of a BERT on either side."""
    initialize_bert(model, config.decoder)
