"""Running a network over many sequences, in batches of about equal length.

Sequences are sorted by length and cut where sequences x longest passes a budget of tokens, so that
little of a batch is padding and its memory is bounded whatever the texts are.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from headwater.data.batching import collate
from headwater.data.convert import FeatureSet
from headwater.errors import UserError
from headwater.inference.running import device_of, running
from headwater.models.families import sizes_of

_BATCH = 2048  # tokens of a batch on a CPU: reading takes half as long again with 4,096 (LOG.md)
_MULTIPLE = 8  # to which lengths are padded where kernels are made for each shape: the packed copy
_PADDING = 1 / 16  # of a batch that is full: about what it costs to read one more batch

T = TypeVar("T")


def predict_logits(
    network: nn.Module,
    features: FeatureSet,
    pad_id: int,
    *,
    precision: torch.dtype | None = None,
    tokens: int | None = None,
) -> list[NDArray[np.float32]]:
    """Run a network over all features and return the logits of each, without the batch axis.

    Those of a network that gives several tensors are stacked: `[tensors, ...]`. Where they have a
    length, the logits of padding follow those of the sequence itself.

    Args:
        precision: of the matrix products; None: see `running.running`.
        tokens: the most tokens in a batch, padding included; None: by the device.
    """
    device = device_of(network)
    tokens = tokens or batch_tokens(device)
    lengths = features.lengths
    found = [np.empty(0, np.float32)] * len(features)
    with running(network, precision) as fast:
        longest = 0 if fast is network else sizes_of(cast(Any, network).config).longest_input
        for indices in batches(lengths, tokens, padding_tokens(tokens)):
            width = min(longest, -(-lengths[indices[0]] // _MULTIPLE) * _MULTIPLE)
            batch = collate(features.features(indices, 0), pad_id, device, width)
            if max(width, lengths[indices[0]]) == lengths[indices[-1]]:  # nothing to hide
                batch.pop("attention_mask", None)
            logits = fast(batch)
            if isinstance(logits, tuple):
                logits = torch.stack(logits, 1)
            values = logits.float().cpu().numpy()
            if not np.isfinite(values).all():
                raise UserError("the model's scores are not finite: its weights are damaged")
            for index, value in zip(indices, values, strict=True):
                found[index] = value
    return found


def batch_tokens(device: torch.device) -> int:
    """Return the most tokens of a batch that is read, padding included."""
    return _BATCH if device.type == "cpu" else 16 * _BATCH


def padding_tokens(tokens: int) -> int:
    """Return the most padding of a batch that is read, of at most `tokens`."""
    return int(_PADDING * tokens)


def batches(
    lengths: NDArray[np.int64], tokens: int, padding: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """Yield indices, the longest sequences first.

    Args:
        lengths: `[sequences]`.
        tokens: the most of a batch, sequences x the longest. A longer sequence has its own.
        padding: the most of a batch; None: as much as comes.
    """
    order = np.argsort(-lengths, kind="stable")
    begin = 0
    while begin < len(order):
        longest = max(1, int(lengths[order[begin]]))
        near = order[begin : begin + max(1, tokens // longest)]
        if padding is not None:
            padded = np.cumsum(longest - lengths[near])
            near = near[: max(1, int(np.searchsorted(padded, padding, side="right")))]
        yield near
        begin += len(near)


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of up to `size` items in order, reading no further than it must."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
