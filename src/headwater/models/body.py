"""What every pre-trained network without a head on it can do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn

from headwater.models.config import ModelConfig
from headwater.models.losses import Batch
from headwater.nn.attention import KeyValueCache, KeyValues
from headwater.nn.norm import at_least_float32


class Body(nn.Module):
    """A network as it is pre-trained; each family has its own."""

    config: ModelConfig
    head_name: None = None
    labels: tuple[str, ...] = ()

    @property
    def body(self) -> Self:
        """Itself; of a model with a head, what the head stands on."""
        return self

    def for_task(self, task: str) -> Self:
        """Return itself; of a model with several heads, the body with that of one task."""
        return self

    def layer_outputs(self, batch: Batch) -> list[Tensor]:
        """Return the outputs of every layer, each `[batch, length, hidden]`.

        The first is what the first layer reads, and the last has the norm after it. Those of
        padding have no meaning.

        Args:
            batch: `input_ids` `[batch, length]`, and of that shape `attention_mask` (left out: all
                are real) and `token_type_ids`, which only a body with segments reads.
        """
        raise NotImplementedError

    def hidden(self, batch: Batch) -> Tensor:
        """Return what a head reads, `[batch, length, hidden]`; only of families with heads."""
        raise NotImplementedError

    @property
    def token_embedding(self) -> Tensor:
        """The table of token vectors `[vocabulary, ..]`, to which a language model is tied."""
        raise NotImplementedError


class EncoderBody(Body):
    """A body whose tokens see both sides; its `layers` are called one after the other.

    A subclass sets `layers`, and `embeddings` with the table `token`.
    """

    embeddings: nn.Module
    layers: nn.ModuleList

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Tensor:
        """Encode sequences.

        Args:
            input_ids: `[batch, length]` token ids.
            attention_mask: `[batch, length]`, true (or 1) where a token is real; None: all are.
            token_type_ids: `[batch, length]` segment of each token; None: all are of the first.
            blocks: `[batch, length]` of packed sequences, from 1 on, 0 on padding: which tokens are
                one text; None: each sequence is one.

        Returns:
            hidden states `[batch, length, hidden]`; those of padding have no meaning.
        """
        raise NotImplementedError

    def hidden(self, batch: Batch) -> Tensor:
        names = ("attention_mask", "token_type_ids", "blocks")
        hidden: Tensor = self(batch["input_ids"], *map(batch.get, names))
        return hidden

    def layer_outputs(self, batch: Batch) -> list[Tensor]:
        with entering(self.layers) as entered:
            last = self(
                batch["input_ids"], batch.get("attention_mask"), batch.get("token_type_ids")
            )
        return [*entered, last]

    def block(self, number: int) -> nn.Module:
        """Return what computes a layer, counted from 0; layers may share it."""
        return self.layers[number]

    @property
    def token_embedding(self) -> Tensor:
        return self.embeddings.get_parameter("token.weight")

    @property
    def token_vectors(self) -> Tensor:
        """The same vectors `[vocabulary, hidden]` as the layers read them."""
        return self.token_embedding


@dataclass(slots=True)
class Cache:
    """What generating token by token keeps.

    Attributes:
        own: per layer the keys and values of the tokens so far, whatever is read as one text.
        mask: `[batch, length]` bool, true where one of these is real; None: all are.
        length: how many these are, padding included.
        memory: of an encoder's output the keys and values, per layer of the decoder.
        memory_bias: its padding, `[batch, 1, 1, inputs]`, or None; of packed sequences which target
            sees which input, `[batch, 1, targets, inputs]`.
        sharing: how many sequences, one after another, share a row of the memory.
    """

    own: list[KeyValueCache]
    mask: Tensor | None = None
    length: int = 0
    memory: list[KeyValues] = field(default_factory=list)
    memory_bias: Tensor | None = None
    sharing: int = 1

    def append(self, ids: Tensor) -> None:
        """Let the mask grow by real tokens `[batch, 1]`."""
        if self.mask is not None:
            self.mask = torch.cat([self.mask, torch.ones_like(ids, dtype=torch.bool)], 1)

    def spread(self, copies: int) -> None:
        """Let so many sequences go on from each, in its place; they share its memory."""
        self.sharing *= copies
        for cache in self.own:
            if cache.stored is not None:
                pair = cache.stored
                cache.stored = KeyValues(*(each.repeat_interleave(copies, 0) for each in pair))
        if self.mask is not None:
            self.mask = self.mask.repeat_interleave(copies, 0)

    def reorder(self, indices: Tensor) -> None:
        """Keep the sequences of those indices `[new batch]`: for beams, or to drop ended ones.

        Those that share a row of the memory stay together.
        """
        for cache in self.own:
            if cache.stored is not None:
                cache.stored = _select(cache.stored, indices)
        if self.mask is not None:
            self.mask = self.mask.index_select(0, indices)
        if self.memory:
            self._reorder_memory(indices[:: self.sharing] // self.sharing)

    def _reorder_memory(self, indices: Tensor) -> None:
        rows = len(self.memory[0].keys)
        if torch.equal(indices, torch.arange(rows, device=indices.device)):
            return
        self.memory = [_select(pair, indices) for pair in self.memory]
        if self.memory_bias is not None:
            self.memory_bias = self.memory_bias.index_select(0, indices)


def _select(pair: KeyValues, indices: Tensor) -> KeyValues:
    return KeyValues(*(each.index_select(0, indices) for each in pair))


class GeneratingBody(Body):
    """A body that generates token by token."""

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Read ids `[batch, inputs]`; return the memory `[batch, inputs, hidden]`."""
        raise NotImplementedError

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None = None) -> Cache:
        """Return the cache with which `step` begins, from what `encode` gives and its mask."""
        raise NotImplementedError

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        """Read one more token of each sequence, and let the cache grow by it.

        Args:
            ids: `[batch, 1]`: the last token of the prompt or a start id at first, then what was
                chosen last.
            cache: from `init_cache`.

        Returns:
            the scores of the next token, `[batch, vocabulary]`, float32 at least.
        """
        raise NotImplementedError


class WordBody(Body):
    """A body that gives vectors of words, and predicts a word from its neighbors."""

    def neighbor_logits(self, ids: Tensor) -> Tensor:
        """Return the scores `[length, words]` of each word of a text `[1, length]`."""
        raise NotImplementedError

    def know_words(self, characters: Tensor) -> None:
        """Take the character ids `[vocabulary, characters]` of all words, if it reads such."""

    @property
    def word_table(self) -> Tensor | None:
        """The vectors `[words, hidden]`; None where they depend on the context."""
        return None


@contextmanager
def entering(layers: nn.ModuleList) -> Iterator[list[Tensor]]:
    """Keep what enters each layer of a stack, which is what the one below it gives."""
    entered: list[Tensor] = []
    thread = threading.get_ident()  # others may be using the same body

    def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
        if threading.get_ident() == thread:
            entered.append(at_least_float32(given[0]))

    handles = [layer.register_forward_pre_hook(hook) for layer in layers]
    try:
        yield entered
    finally:
        for handle in handles:
            handle.remove()
