"""What every pre-trained network without a head on it can do."""

from typing import Any, Protocol, Self

from torch import Tensor, nn

from headwater.models.config import ModelConfig
from headwater.models.losses import Batch


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


class EncoderBody(Body):
    """A body that heads stand on."""

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

    @property
    def token_embedding(self) -> Tensor:
        """The table of token vectors `[vocabulary, ..]`, to which a masked LM is tied."""
        raise NotImplementedError

    @property
    def token_vectors(self) -> Tensor:
        """The same vectors `[vocabulary, hidden]` as the layers read them."""
        return self.token_embedding


class Cache(Protocol):
    """The key-value cache of a batch: its inputs and the tokens so far."""

    def reorder(self, indices: Tensor, /) -> None:
        """Make sequence i what sequence `indices[i]` was; `indices` is `[new batch]`."""
        ...


class GeneratingBody(Body):
    """A body that generates token by token."""

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Read ids `[batch, inputs]`; return the memory `[batch, inputs, hidden]`."""
        raise NotImplementedError

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None = None) -> Any:
        """Return the cache, of a type of its own, with which `step` begins."""
        raise NotImplementedError

    def step(self, ids: Tensor, cache: Any) -> Tensor:
        """Read one more token `[batch, 1]`; return the next one's scores `[batch, vocabulary]`."""
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
