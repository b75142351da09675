"""The smallest layers: embeddings, dropout, norms, a learned mix of layers.

Layer norm: Ba, Kiros and Hinton 2016, "Layer Normalization", section 3. Root-mean-square norm,
which T5 uses without a mean or a bias: Zhang and Sennrich 2019, "Root Mean Square Layer
Normalization". Both compute in at least float32: under bf16 autocast the result stays float32, so
the sum of residuals never loses bits; the next matrix product rounds its own input.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def empty_embedding(count: int, width: int, padding: int | None = None) -> nn.Embedding:
    """Return an embedding `[..] -> [.., width]` whose weights are not drawn yet.

    A checkpoint or the model's own initialization fills it. The class's own draw would be thrown
    away, and on the meta device, where checkpoints are loaded, it imports 800 modules: a second of
    the first answer. `padding` is the vector that is never trained.
    """
    return nn.Embedding(count, width, padding, _weight=torch.empty(count, width), _freeze=False)


_LEVELS = 65_536  # what 16 bits can tell apart


class Dropout(nn.Module):
    """Zero each element with probability `p` in training and scale the others up; any shape.

    Srivastava et al. 2014, without a third of the cost of a training step on a CPU. PyTorch draws
    one 32-bit random number per element on one core. Here 16 bits decide, cut from 64-bit draws, so
    one draw serves four elements; p is exact to 1/65,536, and what is kept is scaled by the share
    really kept. Other devices have a fast generator of their own.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self._threshold = round(p * _LEVELS)

    def forward(self, hidden: Tensor) -> Tensor:
        if not self.training or self._threshold == 0:
            return hidden
        if hidden.device.type != "cpu":
            return F.dropout(hidden, self.p)
        return hidden * self._mask(hidden)

    def _mask(self, like: Tensor) -> Tensor:
        """Return 0 where an element is dropped, else 1 / share kept; drawn by torch's generator."""
        count = like.numel()
        draws = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        levels = draws.view(torch.int16)[:count].view(like.shape)
        kept = levels >= self._threshold - _LEVELS // 2
        return kept.to(like.dtype).mul_(_LEVELS / (_LEVELS - self._threshold))


def at_least_float32(values: Tensor) -> Tensor:
    """Return half-precision `values` in float32, float32 and float64 as they are (any shape)."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


class LayerNorm(nn.Module):
    """Shift to mean 0, scale to variance 1, then apply a learned scale and shift.

    `[..., width]` -> `[..., width]`.
    """

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = at_least_float32(hidden)
        weight, bias = self.weight.to(hidden.dtype), self.bias.to(hidden.dtype)
        return F.layer_norm(hidden, weight.shape, weight, bias, self.eps)


class RMSNorm(nn.Module):
    """Divide by the root of the mean square, then apply a learned scale: no mean, no bias.

    `[..., width]` -> `[..., width]`.
    """

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = at_least_float32(hidden)
        scale = torch.rsqrt(hidden.square().mean(-1, keepdim=True) + self.eps)
        return self.weight.to(hidden.dtype) * (hidden * scale)


class LayerMix(nn.Module):
    """Layers `[layers, .., width]` -> `[.., width]` (Peters et al. 2018, equation 1).

    gamma * sum over k of softmax(weights)[k] * layers[k]; at first the layers' mean.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.gamma = nn.Parameter(torch.ones(()))

    def forward(self, layers: Tensor) -> Tensor:
        weights = torch.softmax(self.weights, 0)
        mixed: Tensor = self.gamma * torch.tensordot(weights, layers, dims=1)
        return mixed
