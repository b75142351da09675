"""T5's blocks as one stack that reads inputs and targets as one text: Raffel et al. 2020,
"Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", section 3.2.1
and figure 4.

    That is good. <end>  <start>  Das  ist  gut.          what is read
                           Das    ist  gut. <end>         what is predicted

    language model   each token sees those before it
    prefix LM        and all of the inputs see each other

It takes the batches of the encoder-decoder and writes in the same steps. The start token parts the
inputs from the targets. Sequences end with their inputs, padding first, so that the targets follow
the inputs at once and relative positions are those of the sequence alone.
"""

import torch
from torch import Tensor

from headwater.models.body import Cache
from headwater.models.losses import Batch
from headwater.models.t5.config import T5Config
from headwater.models.t5.output import T5Body, output_layer
from headwater.models.t5.stack import Stack, blocks
from headwater.models.text_to_text import shift_right
from headwater.nn.attention import KeyValueCache
from headwater.nn.embedding import empty_embedding
from headwater.nn.masks import visible


class DecoderOnlyT5(T5Body):
    """The whole model, with the output layer.

    A batch holds `input_ids` `[batch, inputs]`, of which there may be none, `attention_mask` of
    that shape (left out: all real) and `labels` `[batch, targets]`, IGNORED where there is no
    target. The loss is that of the targets.
    """

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = empty_embedding(config.vocab_size, config.d_model)
        both_sides = config.architecture == "prefix_lm"
        self.decoder = Stack(config, blocks(config), both_sides=both_sides)
        self.output = output_layer(config)

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return the vectors `[batch, inputs, width]` of ids, those of padding first."""
        vectors: Tensor = self.embedding(padding_first(input_ids, attention_mask))
        return vectors

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None = None) -> Cache:
        """Read the inputs, `encode`d, with their mask `[batch, inputs]`; then `step` writes on."""
        mask = None if memory_mask is None else padding_first(memory_mask.bool(), memory_mask)
        cache = Cache([KeyValueCache() for _ in self.decoder.layers], mask)
        self._read(memory, cache, prefix=memory.shape[1])
        return cache

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        cache.append(ids)
        return self.scores(self._read(self.embedding(ids), cache, prefix=0)[:, -1])

    def states(self, batch: Batch) -> Tensor:
        """Return the states `[batch, targets, width]` from which the targets are predicted."""
        mask, labels = batch.get("attention_mask"), batch["labels"]
        inputs = batch["input_ids"].shape[1]
        ids = padding_first(batch["input_ids"], mask)
        written = shift_right(labels, self.start_id, self.config.pad_token_id)
        vectors = self.embedding(torch.cat([ids, written], 1))
        if mask is not None:
            targets = torch.ones_like(labels, dtype=torch.bool)
            mask = torch.cat([padding_first(mask.bool(), mask), targets], 1)
        allowed = self._visible(mask, 0, vectors, prefix=inputs)
        states: Tensor = self.decoder(vectors, allowed)
        return states[:, inputs:]

    def _read(self, vectors: Tensor, cache: Cache, *, prefix: int) -> Tensor:
        """Read vectors `[batch, new, width]` after those in the cache, and add them to it."""
        earlier, cache.length = cache.length, cache.length + vectors.shape[1]
        allowed = self._visible(cache.mask, earlier, vectors, prefix=prefix)
        contexts = [(own,) for own in cache.own]
        states: Tensor = self.decoder(vectors, allowed, contexts, earlier)
        return states

    def _visible(
        self, mask: Tensor | None, earlier: int, vectors: Tensor, *, prefix: int
    ) -> Tensor | None:
        """Return what vectors after so many `earlier` ones see; the first `prefix` are inputs."""
        positions = torch.arange(earlier + vectors.shape[1], device=vectors.device)
        seen_by_all = None
        if self.config.architecture == "prefix_lm":
            seen_by_all = positions.new_full((len(vectors),), prefix)
        return visible(mask, positions[earlier:], positions, seen_by_all)


def padding_first(values: Tensor, mask: Tensor | None) -> Tensor:
    """Move the padding of sequences `[batch, length]` to their left; the rest keeps its order."""
    if mask is None:
        return values
    return values.gather(1, mask.byte().argsort(dim=1, stable=True))
