"""Normalization over the hidden width, always computed in at least float32.

Layer norm: Ba, Kiros and Hinton 2016, "Layer Normalization", section 3. Root-mean-square norm,
which T5 uses without a mean or a bias: Zhang and Sennrich 2019, "Root Mean Square Layer
Normalization".

Under bf16 autocast the result stays float32, so the sum of residuals never loses bits; the next
matrix product rounds its own input.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def at_least_float32(values: Tensor) -> Tensor:
    """Return half-precision `values` in float32, float32 and float64 as they are (any shape)."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


class LayerNorm(nn.Module):
    """Shift to mean 0, scale to variance 1, then apply a learned scale and, with `bias`, shift.

    `[..., width]` -> `[..., width]`.
    """

    in_bf16 = False

    def __init__(self, width: int, eps: float, *, bias: bool = True) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, hidden: Tensor) -> Tensor:
        if self.in_bf16:  # the kernel still computes in float32
            half = hidden.to(torch.bfloat16)
            return F.layer_norm(half, self.weight.shape, self.weight, self.bias, self.eps)
        hidden = at_least_float32(hidden)
        weight = self.weight.to(hidden.dtype)
        bias = None if self.bias is None else self.bias.to(hidden.dtype)
        return F.layer_norm(hidden, weight.shape, weight, bias, self.eps)


class RMSNorm(nn.Module):
    """Divide by the root of the mean square, then apply a learned scale: no mean, no bias.

    `[..., width]` -> `[..., width]`.
    """

    in_bf16 = False

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, hidden: Tensor) -> Tensor:
        if self.in_bf16:
            return self._rounded(hidden)
        hidden = at_least_float32(hidden)
        scale = torch.rsqrt(hidden.square().mean(-1, keepdim=True) + self.eps)
        return self.weight.to(hidden.dtype) * (hidden * scale)

    def _rounded(self, hidden: Tensor) -> Tensor:
        size = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True, dtype=torch.float32)
        scale = torch.rsqrt(size.square_().div_(hidden.shape[-1]).add_(self.eps))
        half = torch.empty_like(hidden, dtype=torch.bfloat16)
        return torch.mul(hidden, scale, out=half).mul_(self.weight)
