"""A decoder whose positions are learned vectors: BART's, and that of an encoder-decoder of
pre-trained sides."""

from typing import Protocol

import torch
from torch import Tensor, nn

from headwater.errors import UserError
from headwater.models.body import Cache
from headwater.models.config import ModelConfig
from headwater.models.losses import Batch
from headwater.models.text_to_text import TextToText, project, shift_right
from headwater.nn.attention import KeyValueCache
from headwater.nn.masks import additive, visible
from headwater.nn.norm import at_least_float32


class CachedDecoder(nn.Module):
    """Embeddings, then layers that attend to earlier tokens and to the memory.

    A subclass sets `layers` of `DecoderBlock`, and `embeddings`, which take token vectors and how
    many tokens there were before: a number, or `[batch, 1]` where sequences differ.
    """

    embeddings: nn.Module
    layers: nn.ModuleList

    def __init__(self, norm: nn.Module | None = None) -> None:
        """Build one; `norm` stands after the last layer, where norms stand before each part."""
        super().__init__()
        self.norm = norm

    @property
    def longest(self) -> int:
        """The most tokens that it writes."""
        raise NotImplementedError

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None) -> Cache:
        """Project the memory `[batch, inputs, width]` once for each layer."""
        return Cache(
            own=[KeyValueCache() for _ in self.layers],
            memory=project(self.layers, memory),
            memory_bias=additive(visible(memory_mask), at_least_float32(memory).dtype),
        )

    def forward(self, vectors: Tensor, cache: Cache) -> Tensor:
        """Decode token vectors `[batch, new, width]` after the tokens in the cache."""
        earlier, cache.length = cache.length, cache.length + vectors.shape[1]
        if cache.length > self.longest:
            raise UserError(f"{cache.length} tokens in a target; this model writes {self.longest}")
        before = earlier if cache.mask is None else cache.mask[:, :earlier].sum(1, keepdim=True)
        hidden = self.embeddings(vectors, before)
        positions = torch.arange(cache.length, device=vectors.device)
        allowed = visible(cache.mask, positions[earlier:], positions)
        bias = additive(allowed, at_least_float32(hidden).dtype)
        for layer, own, memory in zip(self.layers, cache.own, cache.memory, strict=True):
            hidden = layer(hidden, bias, own, memory, cache.memory_bias)
        return at_least_float32(hidden if self.norm is None else self.norm(hidden))


class _Padded(ModelConfig, Protocol):
    @property
    def pad_token_id(self) -> int: ...


class CachedTextToText(TextToText):
    """A model that writes with such a decoder; a subclass sets it, and how ids become vectors."""

    config: _Padded
    decoder: CachedDecoder

    def vectors(self, ids: Tensor) -> Tensor:
        """Return the token vectors `[batch, length, width]` that the decoder reads."""
        raise NotImplementedError

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None = None) -> Cache:
        """Project the memory `[batch, inputs, width]` once for each layer of the decoder."""
        return self.decoder.init_cache(memory, memory_mask)

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        cache.append(ids)
        return self.scores(self.decoder(self.vectors(ids), cache)[:, -1])

    def states(self, batch: Batch) -> Tensor:
        """Return the decoder's states `[batch, targets, width]`."""
        mask = batch.get("attention_mask")
        cache = self.init_cache(self.encode(batch["input_ids"], mask), mask)
        ids = shift_right(batch["labels"], self.start_id, self.config.pad_token_id)
        states: Tensor = self.decoder(self.vectors(ids), cache)
        return states
