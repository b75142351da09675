"""Running a network over many rows: in eval mode, in batches of about equal length.

Rows are sorted by length and cut where rows x longest passes a budget of tokens, so that little of
a batch is padding and its memory is bounded whatever the texts are.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from headwater.training.device import choose_precision

T = TypeVar("T")


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Switch dropout and gradients off, and put the network back into training after.

    A network that is already in eval mode is not touched: many threads may share it.
    """
    training = network.training
    if training:
        network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        if training:
            network.train()


def autocast(precision: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which matrix products run in `precision`, whatever the caller's is.

    The cache of cast weights is shared by all threads and is left out; casting costs little beside
    the products of a batch.
    """
    if precision == torch.float32:
        return torch.autocast(device.type, enabled=False)
    return torch.autocast(device.type, precision, cache_enabled=False)


def fast_precision(network: nn.Module) -> torch.dtype:
    """Return bf16 where the network's processor has it and its weights are float32."""
    weight = next(network.parameters())
    if weight.dtype != torch.float32:
        return torch.float32
    return choose_precision("auto", weight.device)


def batches(lengths: NDArray[np.int64], tokens: int) -> Iterator[NDArray[np.int64]]:
    """Yield row numbers, the longest rows first; rows x longest row is at most `tokens`."""
    order = np.argsort(-lengths, kind="stable")
    begin = 0
    while begin < len(order):
        rows = max(1, tokens // max(1, int(lengths[order[begin]])))
        yield order[begin : begin + rows]
        begin += rows


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of up to `size` items in order, reading no further than it must."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
