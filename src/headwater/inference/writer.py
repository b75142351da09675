"""What decoding asks of a network that writes text token by token, and what it gives back."""

from typing import NamedTuple, Protocol, TypeVar

from torch import Tensor


class Cache(Protocol):
    """What a network remembers of each row: its inputs and the tokens so far."""

    def reorder(self, rows: Tensor, /) -> None:
        """Make row i what row `rows[i]` was; `rows` is `[new batch]`."""
        ...


CacheT = TypeVar("CacheT", bound=Cache)


class Writer(Protocol[CacheT]):
    """A network that writes: a T5 of any architecture, a GPT."""

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None, /) -> Tensor:
        """`[batch, inputs]` -> memory `[batch, inputs, width]`."""
        ...

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None = None, /) -> CacheT:
        """Begin to write."""
        ...

    def step(self, ids: Tensor, cache: CacheT, /) -> Tensor:
        """Read one more token of each row `[batch, 1]`; score the next `[batch, vocabulary]`."""
        ...


class Marks(NamedTuple):
    """The tokens that begin and end a written text."""

    start_id: int
    eos_id: int


class Written(NamedTuple):
    """The tokens of a text, without those that begin and end it, and the log of its probability.

    The probability is that of the model, whatever way the tokens were chosen.
    """

    ids: list[int]
    log_probability: float
