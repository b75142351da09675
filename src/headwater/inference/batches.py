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

from headwater.data.batching import collate
from headwater.data.convert import FeatureSet
from headwater.device import choose_precision
from headwater.errors import UserError

_LARGE = 4096  # tokens from which on bf16 repays its casts, and of a batch on a CPU

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


def outputs(
    network: nn.Module,
    rows: FeatureSet,
    pad_id: int,
    *,
    precision: torch.dtype | None = None,
    tokens: int | None = None,
) -> list[NDArray[np.float32]]:
    """Run a network over all rows and return what it gives for each, without the batch axis.

    Of a network that gives several tensors they are stacked: `[tensors, ...]`. Where they have a
    length, the scores of padding follow those of the row's own positions.

    Args:
        precision: of the matrix products; None: bf16 for large inputs where the processor has it.
        tokens: the most tokens in a batch, padding included; None: by the device.

    Raises:
        UserError: an output is not finite.
    """
    device = next(network.parameters()).device
    if precision is None:
        large = int(rows.lengths.sum()) >= _LARGE
        precision = fast_precision(network) if large else torch.float32
    tokens = tokens or batch_tokens(device)
    found = [np.empty(0, np.float32)] * len(rows)
    with evaluating(network), autocast(precision, device):
        for places in batches(rows.lengths, tokens):
            given = network(collate(rows.features(places, 0), pad_id, device))
            if isinstance(given, tuple):
                given = torch.stack(given, 1)
            values = given.float().cpu().numpy()
            if not np.isfinite(values).all():
                raise UserError("the model's scores are not finite: its weights are damaged")
            for place, row in enumerate(places):
                found[row] = values[place]
    return found


def batch_tokens(device: torch.device) -> int:
    """Return the most tokens of a batch, padding included."""
    return _LARGE if device.type == "cpu" else 8 * _LARGE


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
