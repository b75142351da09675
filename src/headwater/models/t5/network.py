"""T5, an encoder-decoder that maps text to text: Raffel et al. 2020, "Exploring the Limits of
Transfer Learning with a Unified Text-to-Text Transformer", section 2.1 (after Vaswani et al. 2017,
figure 1).

    inputs ids                       targets, shifted right by one
        |                                |
    embedding (shared) ------------------+
        |                                |
    N x [self-attention, all]        M x [self-attention, causal ]
        [feed-forward       ]            [attention to the memory] <--+
        |                                [feed-forward           ]    |
       norm                              |                            |
        |                               norm                          |
      memory --------------------------- | ---------------------------+
                                      output layer -> a score for each token

Norms divide by the root mean square and stand before each layer; there are no biases; positions are
a bias of the scores, learned once per stack and shared by its layers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from headwater.models.layer_outputs import entering
from headwater.models.losses import Batch
from headwater.models.t5.config import T5Config
from headwater.models.text_to_text import TextToText, output_layer, shift_right
from headwater.nn.attention import (
    Attention,
    KeyValueCache,
    KeyValues,
    RelativePositions,
    additive,
    visible,
)
from headwater.nn.block import Block, BorrowingBlock, DecoderBlock, PreNorm
from headwater.nn.feedforward import FeedForward, GatedFeedForward
from headwater.nn.layers import Dropout, RMSNorm, at_least_float32, empty_embedding


def attention(config: T5Config) -> PreNorm:
    """Build an attention without biases or scale, inside its residual."""
    width, inner = config.d_model, config.num_heads * config.d_kv
    layer = Attention(
        nn.Linear(width, inner, bias=False),
        nn.Linear(width, inner, bias=False),
        nn.Linear(width, inner, bias=False),
        nn.Linear(inner, width, bias=False),
        heads=config.num_heads,
        scale=1.0,
        dropout=config.dropout_rate,
    )
    return PreNorm(layer, RMSNorm(width, config.layer_norm_epsilon), config.dropout_rate)


def feedforward(config: T5Config) -> PreNorm:
    """Build a plain or gated feed-forward without biases, inside its residual."""
    width, inner = config.d_model, config.d_ff
    first = nn.Linear(width, inner, bias=False)
    last = nn.Linear(inner, width, bias=False)
    act, dropout = config.activation, config.dropout_rate
    layer: nn.Module
    if config.gated:
        layer = GatedFeedForward(first, nn.Linear(width, inner, bias=False), last, act, dropout)
    else:
        layer = FeedForward(first, last, act, dropout)
    return PreNorm(layer, RMSNorm(width, config.layer_norm_epsilon), dropout)


def positions(config: T5Config, *, both_sides: bool) -> RelativePositions:
    """Build the relative position bias that the layers of one stack share."""
    return RelativePositions(
        config.relative_attention_num_buckets,
        config.relative_attention_max_distance,
        config.num_heads,
        both_sides=both_sides,
    )


class Encoder(nn.Module):
    """Vectors `[batch, length, width]` and their padding -> memory of the same shape."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.positions = positions(config, both_sides=True)
        self.layers = nn.ModuleList(
            Block(attention=attention(config), feedforward=feedforward(config))
            for _ in range(config.num_layers)
        )
        self.norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def forward(self, vectors: Tensor, mask: Tensor | None, blocks: Tensor | None = None) -> Tensor:
        positions = torch.arange(vectors.shape[1], device=vectors.device)
        bias = self.positions(positions, positions)
        allowed = visible(mask, query_blocks=blocks, key_blocks=blocks)
        padding = additive(allowed, bias.dtype)
        bias = bias if padding is None else bias + padding
        hidden = self.dropout(vectors)
        for layer in self.layers:
            hidden = layer(hidden, bias)
        memory: Tensor = self.dropout(self.norm(hidden))
        return memory


@dataclass(slots=True)
class Cache:
    """What decoding one token at a time keeps, per layer; see `T5.init_cache` and `T5.step`.

    Attributes:
        memory: the encoder's output, projected, each `[batch, heads, inputs, head_width]`.
        memory_bias: its padding, `[batch, 1, 1, inputs]`, or None; of packed sequences which
            target sees which input, `[batch, 1, targets, inputs]`.
        own: keys and values of the tokens so far, each `[batch, heads, length, head_width]`.
        length: how many tokens that is.
    """

    memory: list[KeyValues]
    memory_bias: Tensor | None
    own: list[KeyValueCache]
    length: int = 0

    def reorder(self, indices: Tensor) -> None:
        """Keep the sequences of those indices `[new batch]`: for beams, or to drop ended ones."""
        self.memory = [_select(pair, indices) for pair in self.memory]
        for cache in self.own:
            if cache.stored is not None:
                cache.stored = _select(cache.stored, indices)
        if self.memory_bias is not None:
            self.memory_bias = self.memory_bias.index_select(0, indices)


def _select(pair: KeyValues, indices: Tensor) -> KeyValues:
    return KeyValues(pair.keys.index_select(0, indices), pair.values.index_select(0, indices))


class Decoder(nn.Module):
    """Vectors `[batch, length, width]` and what they may look back to -> the same shape.

    Args:
        config: the sizes.
        lenders: the encoder's layers, where the decoder shares their parameters.
    """

    def __init__(self, config: T5Config, lenders: nn.ModuleList | None = None) -> None:
        super().__init__()
        self.positions = positions(config, both_sides=False)
        layers: Iterable[nn.Module]
        if lenders is None:
            layers = (
                DecoderBlock(
                    attention=attention(config),
                    cross=attention(config),
                    feedforward=feedforward(config),
                )
                for _ in range(config.num_decoder_layers)
            )
        else:
            layers = (
                BorrowingBlock(lender=cast(Block, each), cross=attention(config))
                for each in lenders
            )
        self.layers = nn.ModuleList(layers)
        self.norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def init_cache(
        self,
        memory: Tensor,
        mask: Tensor | None,
        memory_blocks: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Cache:
        """Project the encoder's output `[batch, inputs, width]` once for each layer."""
        allowed = visible(mask, query_blocks=blocks, key_blocks=memory_blocks)
        projections = [cast(Attention, layer.get_submodule("cross.layer")) for layer in self.layers]
        return Cache(
            memory=[projection.keys_values(memory) for projection in projections],
            memory_bias=additive(allowed, at_least_float32(memory).dtype),
            own=[KeyValueCache() for _ in self.layers],
        )

    def forward(self, vectors: Tensor, cache: Cache, blocks: Tensor | None = None) -> Tensor:
        """Decode `vectors` as the tokens that follow those in the cache, and add them to it.

        `blocks` `[batch, length]` are those of packed sequences, which are decoded at once.
        """
        positions = torch.arange(cache.length + vectors.shape[1], device=vectors.device)
        queries = positions[cache.length :]
        bias = self.positions(queries, positions)
        allowed = visible(None, queries, positions, query_blocks=blocks, key_blocks=blocks)
        future = additive(allowed, bias.dtype)
        assert future is not None  # causality always hides something
        hidden = self.dropout(vectors)
        for layer, own, memory in zip(self.layers, cache.own, cache.memory, strict=True):
            hidden = layer(hidden, bias + future, own, memory, cache.memory_bias)
        cache.length = len(positions)
        output: Tensor = self.dropout(self.norm(hidden))
        return output


class T5(TextToText):
    """The whole model, with the output layer.

    With `architecture` "shared" both stacks have one set of layers; each keeps its own positions
    (one sees both sides) and its own last norm, and the decoder its attention to the memory.

    A batch holds `input_ids` `[batch, inputs]`, `attention_mask` of that shape (left out: all real)
    and `labels` `[batch, targets]`, IGNORED where there is no target. Packed sequences also have
    `blocks` `[batch, inputs]` and `label_blocks` `[batch, targets]`, from 1 on, 0 on padding: which
    inputs and targets are one example.
    """

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = empty_embedding(config.vocab_size, config.d_model)
        self.encoder = Encoder(config)
        self.decoder = Decoder(
            config, self.encoder.layers if config.architecture == "shared" else None
        )
        self.output = output_layer(config)

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return the memory `[batch, inputs, width]` of ids `[batch, inputs]`."""
        memory: Tensor = self.encoder(self.embedding(input_ids), attention_mask)
        return memory

    def layer_outputs(self, batch: Batch) -> list[Tensor]:
        """Return those of the encoder."""
        with entering(self.encoder.layers) as entered:
            last = self.encode(batch["input_ids"], batch.get("attention_mask"))
        return [*entered, last]

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None = None) -> Cache:
        """Begin to decode from a memory and its mask `[batch, inputs]`."""
        return self.decoder.init_cache(memory, memory_mask)

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        """Decode one more token of each sequence.

        Args:
            ids: `[batch, 1]`: the start id at first, then what was chosen last.
            cache: grows by that token.

        Returns:
            the scores of the next token, `[batch, vocabulary]`, float32 at least.
        """
        return self.scores(self.decoder(self.embedding(ids), cache)[:, -1])

    def states(self, batch: Batch) -> Tensor:
        """Return the decoder's states `[batch, targets, width]`."""
        mask, labels = batch.get("attention_mask"), batch["labels"]
        inputs, targets = batch.get("blocks"), batch.get("label_blocks")
        memory = self.encoder(self.embedding(batch["input_ids"]), mask, inputs)
        ids = shift_right(labels, self.config, targets)
        cache = self.decoder.init_cache(memory, mask, inputs, targets)
        states: Tensor = self.decoder(self.embedding(ids), cache, targets)
        return states


def initialize(model: nn.Module, config: T5Config) -> None:
    """Draw fresh weights as the published code does.

    Each matrix is normal with the variance of 1 / its inputs, so that products keep their size; the
    query's also takes up the scale that the attention leaves out; the embedding has variance 1.
    """
    factor, width = config.initializer_factor, config.d_model
    inner = config.num_heads * config.d_kv
    deviations = {
        "embedding": 1.0,
        "query": (width * config.d_kv) ** -0.5,
        "key": width**-0.5,
        "value": width**-0.5,
        "attention.layer.output": inner**-0.5,
        "cross.layer.output": inner**-0.5,
        "table": width**-0.5,
        "outer": config.d_ff**-0.5,
    }
    for name, part in model.named_modules():
        if isinstance(part, RMSNorm):
            nn.init.constant_(part.weight, factor)
        elif isinstance(part, nn.Linear | nn.Embedding):
            ends = [end for end in deviations if name.endswith(end)]
            # What is left reads the width: the feed-forward's first layers and the output layer.
            deviation = deviations[ends[0]] if ends else width**-0.5
            nn.init.normal_(part.weight, 0.0, factor * deviation)
