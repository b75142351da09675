"""Adding a layer: heads that turn a body's hidden states into what a task needs.

Devlin et al. 2019, section 4 and figure 4: a span (start and end vectors), a class of the whole
text, a number, a class of each token; section 3.1: the masked token, the next sentence. A head is
a module over `(hidden, vectors)`:

    hidden    `[batch, length, hidden]`, the body's output
    vectors   `[vocabulary, hidden]`, the body's token embedding, to which masked LM is tied
"""

from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from headwater.models.body import Body
from headwater.models.config import HeadName, ModelConfig, label_names
from headwater.models.losses import (
    IGNORED,
    Batch,
    binary_cross_entropy_sum,
    count,
    cross_entropy_sum,
    next_token_loss_sum,
    next_tokens,
    squared_error_sum,
)
from headwater.nn.dropout import Dropout
from headwater.nn.feedforward import ACTIVATIONS
from headwater.nn.norm import LayerNorm, at_least_float32
from headwater.nn.output import OutputLayer

_LOSSES = {"regression": squared_error_sum, "multi_label": binary_cross_entropy_sum}
"""Of those heads whose loss is not that of one class."""


class Head(nn.Module):
    """What every head has: its losses, by its name.

    Attributes:
        name: of the head and its loss.
        label: the batch's key that holds the labels.
        class_weights: `[classes]`, by which the examples of a class count in training; None: once.
        smoothing: the share of each label that all classes have in equal parts, in training.
    """

    name: HeadName
    label: str = "labels"
    class_weights: Tensor | None = None
    smoothing: float = 0.0

    def read(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Return what it reads of a body's outputs `[batch, length, hidden]`: mostly all."""
        return hidden

    def prepared(self, batch: Batch, body: Body) -> Batch:
        """Return the batch that the body is to read for a loss: mostly the same."""
        return batch

    def loss_sums(self, hidden: Tensor, vectors: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return each loss as a sum over the labels that `loss_counts` counts."""
        outputs, labels = self(hidden, vectors), batch[self.label]
        if self.name in _LOSSES:
            return {self.name: _LOSSES[self.name](outputs, labels)}
        how = (self.class_weights, self.smoothing) if self.training else (None, 0.0)
        return {self.name: cross_entropy_sum(outputs, labels, *how)}

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        """Count examples, tokens or pairs from the labels alone."""
        return {self.name: count(batch[self.label])}


class SpanLogits(NamedTuple):
    """Scores of each position as the first and as the last of the answer: `[batch, length]`."""

    start_logits: Tensor
    end_logits: Tensor


class SpanHead(Head):
    """Extractive question answering (section 4.2): a start vector and an end vector.

    Args:
        transform: `[.., width]` -> the same shape, before all; None: nothing.
    """

    name: HeadName = "span"

    def __init__(
        self, width: int, dropout: float = 0.0, transform: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.transform = transform or nn.Identity()
        self.dropout = Dropout(dropout)
        self.dense = nn.Linear(width, 2)

    def forward(self, hidden: Tensor, vectors: Tensor) -> SpanLogits:
        logits = at_least_float32(self.dense(self.dropout(self.transform(hidden))))
        return SpanLogits(logits[..., 0], logits[..., 1])

    def loss_sums(self, hidden: Tensor, vectors: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Labels: `start_positions`, `end_positions` `[batch]`; those beyond the sequence are
        ignored.

        The loss of an example is the mean of its start and end cross-entropies.
        """
        length = hidden.shape[1]
        total = hidden.new_zeros((), dtype=at_least_float32(hidden).dtype)
        names = ("start_positions", "end_positions")
        for logits, name in zip(self(hidden, vectors), names, strict=True):
            positions = batch[name]
            inside = (positions >= 0) & (positions < length)
            total = total + cross_entropy_sum(logits, positions.where(inside, IGNORED)) / 2
        return {"span": total}

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        return {"span": len(batch["start_positions"])}


class PooledHead(Head):
    """A decision on a whole text from its first position (section 4.1), or on a pair (section 3.1):
    a class; of head "multi_label" any number of classes, each by its own sigmoid; of head
    "regression" a number.

    Args:
        pooler: from the hidden states, `[batch, length, hidden]`, to `[batch, hidden]`.
        dense: `[batch, hidden]` -> `[batch, outputs]`.
        dropout: before `dense`.
        name: of the head.
    """

    def __init__(self, pooler: nn.Module, dense: nn.Linear, dropout: float, name: HeadName) -> None:
        super().__init__()
        self.pooler, self.dense = pooler, dense
        self.dropout = Dropout(dropout)
        self.name = name
        if name == "next_sentence":
            self.label = "next_sentence_label"

    def forward(self, hidden: Tensor, vectors: Tensor) -> Tensor:
        return at_least_float32(self.dense(self.dropout(self.pooler(hidden))))


class TokenHead(Head):
    """A class for each token (section 5.3): `[batch, length, classes]`.

    Labels: `labels` `[batch, length]`, IGNORED where a token has none.

    Args:
        transform: `[.., width]` -> the same shape, before all; None: nothing.
    """

    name: HeadName = "token"

    def __init__(
        self, width: int, classes: int, dropout: float, transform: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.transform = transform or nn.Identity()
        self.dropout = Dropout(dropout)
        self.dense = nn.Linear(width, classes)

    def forward(self, hidden: Tensor, vectors: Tensor) -> Tensor:
        return at_least_float32(self.dense(self.dropout(self.transform(hidden))))


class MaskedLMHead(Head):
    """The token that was masked (section 3.1, task 1): `[batch, length, vocabulary]`.

    A dense layer, its activation and a norm, then the product with the token embedding or, where
    the two are not tied, with an output matrix of its own.
    """

    name: HeadName = "masked_lm"

    def __init__(
        self,
        dense: nn.Linear,
        vocabulary: int,
        act: str,
        eps: float,
        *,
        tied: bool = True,
        norm_bias: bool = True,
    ) -> None:
        super().__init__()
        self.dense = dense
        self.activation = ACTIVATIONS[act]
        self.norm = LayerNorm(dense.out_features, eps, bias=norm_bias)
        width = dense.out_features
        self.decoder = None if tied else nn.Linear(width, vocabulary, bias=False)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.scoring = OutputLayer()

    def forward(self, hidden: Tensor, vectors: Tensor) -> Tensor:
        hidden = self.norm(self.activation(self.dense(hidden)))
        matrix = vectors if self.decoder is None else self.decoder.weight
        scores: Tensor = self.scoring(hidden, matrix, self.bias)
        return scores

    def loss_sums(self, hidden: Tensor, vectors: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Labels: `labels` `[batch, length]`, IGNORED where nothing was masked.

        Only the masked positions, about 15%, meet the vocabulary: that product is most of the work.
        """
        labelled = batch["labels"] != IGNORED
        logits = self(hidden[labelled], vectors)
        return {"masked_lm": cross_entropy_sum(logits, batch["labels"][labelled])}


class PreTrainingLogits(NamedTuple):
    """`[batch, length, vocabulary]` of the masked LM and `[batch, 2]` of the next sentence."""

    masked_lm: Tensor
    next_sentence: Tensor


class PreTrainingHead(Head):
    """BERT's two pre-training tasks at once (section 3.1); class 0 means "is the next sentence"."""

    name: HeadName = "pretraining"

    def __init__(self, masked_lm: MaskedLMHead, next_sentence: PooledHead) -> None:
        super().__init__()
        self.masked_lm, self.next_sentence = masked_lm, next_sentence

    def forward(self, hidden: Tensor, vectors: Tensor) -> PreTrainingLogits:
        return PreTrainingLogits(
            self.masked_lm(hidden, vectors), self.next_sentence(hidden, vectors)
        )

    def loss_sums(self, hidden: Tensor, vectors: Tensor, batch: Batch) -> dict[str, Tensor]:
        return self.masked_lm.loss_sums(hidden, vectors, batch) | self.next_sentence.loss_sums(
            hidden, vectors, batch
        )

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        return self.masked_lm.loss_counts(batch) | self.next_sentence.loss_counts(batch)


class MeanHead(PooledHead):
    """The same decisions from the mean of all tokens; `pooler`: `[batch, hidden]` -> the same."""

    def read(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Return the means `[batch, hidden]` of the states of real tokens."""
        mask = batch.get("attention_mask")
        if mask is None:
            return hidden.mean(1)
        real = mask.bool().unsqueeze(-1)
        return (hidden * real).sum(1) / real.sum(1)


class LastTokenHead(PooledHead):
    """The same decisions from the last token, which alone has seen the whole text in a causal body
    (Radford et al. 2018, section 3.2): a linear layer without a bias.
    """

    def __init__(self, width: int, outputs: int, dropout: float, name: HeadName) -> None:
        dense = nn.Linear(width, outputs, bias=False)
        super().__init__(nn.Identity(), dense, dropout, name)

    def read(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Return the states `[batch, hidden]` of the last real tokens."""
        mask = batch.get("attention_mask")
        if mask is None:
            return hidden[:, -1]
        positions = torch.arange(mask.shape[1], device=mask.device)
        last = (positions * mask.long()).argmax(1)
        return hidden[torch.arange(len(last), device=last.device), last]


class ModelWithHead(nn.Module):
    """A body with a head on it.

    A batch holds `input_ids` `[batch, length]`, and may hold `attention_mask`, `token_type_ids` and
    (of packed sequences, see `EncoderBody`) `blocks` of the same shape; for the losses also the
    labels that the head names.

    Attributes:
        auxiliary_lm: of a causal body, the weight of the loss of predicting each next token of the
            text, which is added to that of the head (Radford et al. 2018, equation 5); 0: none.
    """

    auxiliary_lm: float = 0.0

    def __init__(self, body: Body, head: Head, labels: tuple[str, ...] | None = None) -> None:
        super().__init__()
        self.body, self.head = body, head
        self._labels = labels

    @property
    def config(self) -> ModelConfig:
        """The body's sizes."""
        return self.body.config

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of a classification head, in the order of its outputs."""
        return label_names(self.config) if self._labels is None else self._labels

    @property
    def head_name(self) -> HeadName:
        """The name under which the head is built."""
        return self.head.name

    def for_task(self, task: str) -> Self:
        """Return itself."""
        return self

    def encode(self, batch: Batch) -> Tensor:
        """Return the body's hidden states `[batch, length, hidden]`."""
        return self.body.hidden(batch)

    def forward(self, batch: Batch) -> Any:
        """Return the head's outputs: a tensor, or a named tuple of them, float32 at least."""
        read = self.head.read(self.encode(batch), batch)
        return self.head(read, self.body.token_embedding)

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return each loss as a sum over the labels that `loss_counts` counts."""
        batch = self.head.prepared(batch, self.body)
        hidden, vectors = self.encode(batch), self.body.token_embedding
        sums = self.head.loss_sums(self.head.read(hidden, batch), vectors, batch)
        if self.auxiliary_lm:
            lm = next_token_loss_sum(hidden, vectors, next_tokens(batch))
            sums["lm"] = self.auxiliary_lm * lm
        return sums

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        """Count examples, tokens or pairs from the labels alone."""
        counts = self.head.loss_counts(batch)
        return counts | {"lm": count(next_tokens(batch))} if self.auxiliary_lm else counts
