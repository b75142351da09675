"""What a forward and backward pass over a micro-batch takes, however many sequences it has.

Ids, labels and masks are real, so a batch of a million sequences would take minutes and gigabytes.
Beyond `MOST` sequences counts are continued from smaller batches: in a straight line, since every
sequence takes the same; as a parabola where each is compared with all others of its batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import cast

import torch
from torch import Tensor, nn

from headwater.models.losses import LossModel
from headwater.nn.dropout import Dropout
from headwater.planning.counting import Counter
from headwater.planning.network import PlannedBatch
from headwater.training.config import TrainingConfig
from headwater.training.recomputing import recomputing

MOST = 4096
"""Sequences of the largest batch that is made; a multiple of those that differ (`ROWS`)."""


@dataclass(frozen=True, slots=True)
class Passes:
    """Of one micro-batch.

    Attributes:
        rows: its sequences.
        tokens: in them.
        activations: bytes at the end of the forward pass, ids included.
        backward: the most bytes in both passes, gradients and ids included and weights not.
        flops: of both.
    """

    rows: int
    tokens: int
    activations: int
    backward: int
    flops: int


def count_passes(
    model: nn.Module, batch: PlannedBatch, counter: Counter, *, bf16: bool, turns: int
) -> Passes:
    """Count the passes of a micro-batch.

    Args:
        turns: passes one after another, of which the last counts.
    """

    def count(rows: int) -> Passes:
        return _count(model, *batch.made(rows), rows, counter, bf16=bf16, turns=turns)

    if batch.rows <= MOST:
        return count(batch.rows)
    sizes = (MOST // 4, MOST // 2, MOST) if batch.compared else (MOST // 2, MOST)
    return _continued([count(rows) for rows in sizes], batch.rows)


def _count(
    model: nn.Module,
    tensors: Mapping[str, Tensor],
    tokens: int,
    rows: int,
    counter: Counter,
    *,
    bf16: bool,
    turns: int,
) -> Passes:
    ids = sum(each.nbytes for each in tensors.values())
    model.zero_grad(set_to_none=True)
    for _ in range(turns):
        before = counter.peak = counter.live
        flops = counter.flops
        with counter:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                sums = cast(LossModel, model).loss_sums(tensors)
            loss = torch.stack([each / 2 for each in sums.values()]).sum()
            del sums
            activations = counter.live - before
            loss.backward()  # type: ignore[no-untyped-call]
        del loss
    model.zero_grad(set_to_none=True)
    return Passes(rows, tokens, activations + ids, counter.peak + ids, counter.flops - flops)


def _continued(counted: Sequence[Passes], rows: int) -> Passes:
    """Return the counts of more sequences, on the polynomial through those of fewer."""
    known = [each.rows for each in counted]
    weights = [
        prod((Fraction(rows - b, a - b) for b in known if b != a), start=Fraction(1)) for a in known
    ]

    def at(values: Sequence[int]) -> int:
        return round(sum(weight * value for weight, value in zip(weights, values, strict=True)))

    return Passes(
        rows,
        at([each.tokens for each in counted]),
        at([each.activations for each in counted]),
        at([each.backward for each in counted]),
        at([each.flops for each in counted]),
    )


@contextmanager
def as_trained(model: nn.Module, training: TrainingConfig, *, cpu: bool) -> Iterator[None]:
    """Let the model keep for its backward pass what it keeps in a run."""
    again = recomputing(model) if training.gradient_checkpointing else nullcontext()
    with again, nullcontext() if cpu else _dropout_of_cards(model):
        yield


@contextmanager
def _dropout_of_cards(model: nn.Module) -> Iterator[None]:
    """Let dropout keep what it keeps on a card: a bit for each element, as a byte."""
    changed = [each for each in model.modules() if isinstance(each, Dropout)]
    for each in changed:
        each.forward = _masked(each)  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        for each in changed:
            del each.forward


def _masked(dropout: Dropout) -> Callable[[Tensor], Tensor]:
    def forward(hidden: Tensor) -> Tensor:
        if not dropout.training or not dropout.p:
            return hidden
        return torch.native_dropout(hidden, dropout.p, True)[0]

    return forward
