"""What decoding needs of a network that generates text token by token, and what it returns."""

from typing import NamedTuple, Protocol, TypeVar

from torch import Tensor


class Cache(Protocol):
    """The key-value cache of a batch: its inputs and the tokens so far."""

    def reorder(self, indices: Tensor, /) -> None:
        """Make sequence i what sequence `indices[i]` was; `indices` is `[new batch]`."""
        ...


CacheT = TypeVar("CacheT", bound=Cache)


class DecodingNetwork(Protocol[CacheT]):
    """A network that generates: a T5 of any architecture, a GPT."""

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None, /) -> Tensor:
        """`[batch, inputs]` -> memory `[batch, inputs, width]`."""
        ...

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None = None, /) -> CacheT:
        """Return the cache from which the first step decodes."""
        ...

    def step(self, ids: Tensor, cache: CacheT, /) -> Tensor:
        """Read one more token of each sequence `[batch, 1]`; return logits `[batch, vocabulary]`
        of the next.
        """
        ...


class DecoderTokens(NamedTuple):
    """The special tokens with which a generated text begins and ends."""

    start_id: int
    eos_id: int


class Generated(NamedTuple):
    """Token ids, without those that begin and end the text, and their log probability.

    The probability is that of the model, whatever way the tokens were chosen.
    """

    ids: list[int]
    log_probability: float
