"""Losses as sums over the labels, always in at least float32.

A sum and a count, instead of a mean, let a training step that is cut into parts divide by the whole
step's count.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor
from torch.nn import functional as F

from headwater.nn.norm import at_least_float32

Batch = Mapping[str, Tensor]

IGNORED = -100  # the label of a position without one


class LossModel(Protocol):
    """A model that can be trained; it is an `nn.Module`, too."""

    def loss_sums(self, batch: Batch) -> Mapping[str, Tensor]:
        """Return each loss term, summed over its examples or tokens."""
        ...

    def loss_counts(self, batch: Batch) -> Mapping[str, int]:
        """Return what each term is divided by, from the labels alone.

        A term without a target may be left out of both.
        """
        ...


@runtime_checkable
class SharedLossModel(LossModel, Protocol):
    """A model whose terms are divided by more than their own targets, as those of a mixture are."""

    def own_counts(self, batch: Batch) -> Mapping[str, int]:
        """Return how many targets each term has itself."""
        ...


def cross_entropy_sum(
    logits: Tensor, labels: Tensor, weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Sum -log softmax(logits)[label] over the labels that are not ignored, in >= float32.

    Args:
        logits: `[.., classes]`.
        labels: `[..]`, class numbers or IGNORED.
        weights: `[classes]`, by which labels of a class count; None: all once.
        smoothing: the share of each label that all classes have in equal parts.
    """
    logits = at_least_float32(logits).flatten(0, -2)
    weights = None if weights is None else weights.to(logits)
    return F.cross_entropy(
        logits,
        labels.long().flatten(),
        weights,
        ignore_index=IGNORED,
        reduction="sum",
        label_smoothing=smoothing,
    )


def next_tokens(batch: Batch) -> Tensor:
    """Return what follows each position of a text but the last: `[batch, length - 1]`."""
    ids, mask = batch["input_ids"][:, 1:], batch.get("attention_mask")
    return ids if mask is None else ids.masked_fill(~mask[:, 1:].bool(), IGNORED)


def next_token_loss_sum(hidden: Tensor, vectors: Tensor, labels: Tensor) -> Tensor:
    """Sum the cross-entropies of a text's tokens after the first, each by those before it.

    Args:
        hidden: `[batch, length, hidden]` of a causal body.
        vectors: `[vocabulary, hidden]`, to which the scores are tied.
        labels: `[batch, length - 1]`, what follows each position but the last; IGNORED: nothing.
    """
    labelled = labels != IGNORED
    logits = F.linear(hidden[:, :-1][labelled], vectors)
    return cross_entropy_sum(logits, labels[labelled])


def squared_error_sum(outputs: Tensor, labels: Tensor) -> Tensor:
    """Sum (output - label)^2; outputs `[batch, 1]`, labels `[batch]`; in >= float32."""
    outputs = at_least_float32(outputs).flatten()
    return F.mse_loss(outputs, labels.to(outputs.dtype), reduction="sum")


def binary_cross_entropy_sum(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum -log of the probability that each class is there, or is not, in >= float32.

    Args:
        logits: `[batch, classes]`.
        labels: 1 where a class is there and 0 elsewhere, `[batch, classes]`, floating point.
    """
    logits = at_least_float32(logits)
    return F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="sum")


def count(labels: Tensor) -> int:
    """Return how many labels are not ignored; numbers never are."""
    return labels.numel() if labels.is_floating_point() else int((labels != IGNORED).sum())
