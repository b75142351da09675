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
"""

from collections.abc import Iterable, Iterator
from typing import cast

import torch
from torch import Tensor, nn

from headwater.models.body import Cache, entering
from headwater.models.losses import Batch
from headwater.models.t5.config import T5Config
from headwater.models.t5.decoder_only import DecoderOnlyT5
from headwater.models.t5.output import T5Body, output_layer
from headwater.models.t5.stack import Stack, attention, blocks, feedforward
from headwater.models.text_to_text import project, shift_right
from headwater.nn.attention import KeyValueCache
from headwater.nn.block import Block, BorrowingBlock, DecoderBlock
from headwater.nn.embedding import empty_embedding
from headwater.nn.masks import additive, visible
from headwater.nn.norm import RMSNorm, at_least_float32


def decoder_blocks(
    config: T5Config, lenders: Iterable[nn.Module]
) -> Iterator[DecoderBlock | BorrowingBlock]:
    """Build the decoder's layers; in architecture "shared" they use those of the encoder."""
    if config.architecture == "shared":
        for each in lenders:
            yield BorrowingBlock(lender=cast(Block, each), cross=attention(config))
        return
    for _ in range(config.num_decoder_layers):
        yield DecoderBlock(
            attention=attention(config), cross=attention(config), feedforward=feedforward(config)
        )


class T5(T5Body):
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
        self.encoder = Stack(config, blocks(config), both_sides=True)
        self.decoder = Stack(config, decoder_blocks(config, self.encoder.layers), both_sides=False)
        self.output = output_layer(config)

    def encode(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Tensor:
        """Return the memory `[batch, inputs, width]` of ids `[batch, inputs]`."""
        allowed = visible(attention_mask, query_blocks=blocks, key_blocks=blocks)
        memory: Tensor = self.encoder(self.embedding(input_ids), allowed)
        return memory

    def layer_outputs(self, batch: Batch) -> list[Tensor]:
        """Return those of the encoder."""
        with entering(self.encoder.layers) as entered:
            last = self.encode(batch["input_ids"], batch.get("attention_mask"))
        return [*entered, last]

    def init_cache(
        self,
        memory: Tensor,
        memory_mask: Tensor | None = None,
        memory_blocks: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Cache:
        """Project the memory `[batch, inputs, width]` once for each layer of the decoder."""
        allowed = visible(memory_mask, query_blocks=blocks, key_blocks=memory_blocks)
        layers = self.decoder.layers
        return Cache(
            own=[KeyValueCache() for _ in layers],
            memory=project(layers, memory),
            memory_bias=additive(allowed, at_least_float32(memory).dtype),
        )

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        cache.append(ids)
        return self.scores(self._decode(ids, cache)[:, -1])

    def states(self, batch: Batch) -> Tensor:
        """Return the decoder's states `[batch, targets, width]`."""
        mask, labels = batch.get("attention_mask"), batch["labels"]
        inputs, targets = batch.get("blocks"), batch.get("label_blocks")
        memory = self.encode(batch["input_ids"], mask, inputs)
        ids = shift_right(labels, self.start_id, self.config.pad_token_id, targets)
        return self._decode(ids, self.init_cache(memory, mask, inputs, targets), targets)

    def _decode(self, ids: Tensor, cache: Cache, blocks: Tensor | None = None) -> Tensor:
        """Decode `[batch, length]` after the tokens in the cache, and add them to it."""
        earlier, cache.length = cache.length, cache.length + ids.shape[1]
        positions = torch.arange(cache.length, device=ids.device)
        allowed = visible(
            cache.mask, positions[earlier:], positions, query_blocks=blocks, key_blocks=blocks
        )
        pairs = zip(cache.own, cache.memory, strict=True)
        contexts = [(own, memory, cache.memory_bias) for own, memory in pairs]
        states: Tensor = self.decoder(self.embedding(ids), allowed, contexts, earlier)
        return states


def build_body(config: T5Config, bare: bool) -> T5Body:
    """Build the network of that architecture, with empty weights."""
    return DecoderOnlyT5(config) if config.decoder_only else T5(config)


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
