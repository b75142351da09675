"""The mean of the vectors around each position, in a few sums of whole sequences.

For a window of 2, with a sum of neighbors written `ab` for a + b:

    vectors     a   b   c   d   e   f
    runs        ab  bc  cd  de  ef
    means               (ab + de) / 4   (bc + ef) / 4       around c, around d

Runs of n are sums of two runs of n / 2. The gradient of a vector is the mean of the gradients
around it, with zeros beyond the ends.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def window_means(vectors: Tensor, window: int) -> Tensor:
    """Return the means of `window` vectors on either side of each position that has as many.

    `[batch, positions + 2 * window, width]` -> `[batch, positions, width]`.
    """
    means: Tensor = _WindowMeans.apply(vectors, window)  # type: ignore[no-untyped-call]
    return means


class _WindowMeans(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, window: int) -> Tensor:
        ctx.window = window
        return _means(vectors, window)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _means(F.pad(grad, (0, 0, 2 * ctx.window, 2 * ctx.window)), ctx.window), None


def _means(vectors: Tensor, window: int) -> Tensor:
    runs = _runs(vectors, window)
    return (runs[:, : vectors.shape[1] - 2 * window] + runs[:, window + 1 :]).div_(2 * window)


def _runs(vectors: Tensor, size: int) -> Tensor:
    """Sum each `size` vectors that follow one another: `[batch, length - size + 1, width]`."""
    if size == 1:
        return vectors
    half = size // 2
    runs = _runs(vectors, half)
    pairs = runs[:, :-half] + runs[:, half:]
    return pairs[:, :-1] + vectors[:, size - 1 :] if size % 2 else pairs
