"""A network for inference on a CPU in bf16: its weights are rounded once, and laid out as the
processor's matrix kernels (oneDNN) read them.

    copy = shared_copy(network)     # of the modules, not of the weights
    pack(copy)                      # each matrix is packed when it is first used

What stands in a residual layer computes in bf16; embeddings, last norms and heads stay in float32.
Scores of the vocabulary, where rounding would make likely tokens equal, are computed once more in
float32 for the few that could be chosen.
"""

import copy
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.nn.attention import Attention
from headwater.nn.block import PostNorm, PreNorm
from headwater.nn.feedforward import FeedForward
from headwater.nn.output import OutputLayer
from headwater.nn.positions import RelativePositions

N = TypeVar("N", bound=nn.Module)

_CHOSEN = 16  # of the likeliest tokens, whose scores are exact
_ROWS = 1024  # in one product of a batch that is read: what the layout is chosen for
_STEP = 16  # in one product of a step that writes


def shared_copy(network: N) -> N:
    """Return a copy with modules of its own and the same parameters."""
    shared: dict[int, object] = {id(each): each for each in network.parameters()}
    shared |= {id(each): each for each in network.buffers()}
    return copy.deepcopy(network, shared)


def pack(network: nn.Module) -> None:
    """Prepare a network for inference, in place; what it reads and gives stays the same.

    It no longer follows its parameters once it has run.
    """
    for part in list(network.modules()):
        if isinstance(part, PostNorm | PreNorm):
            _pack_layer(part)
        if isinstance(part, RelativePositions):
            part.in_bf16 = True
        for name, child in part.named_children():
            if isinstance(child, OutputLayer):
                part.set_submodule(name, _PackedOutput())


def _pack_layer(layer: PostNorm | PreNorm) -> None:
    layer.norm.in_bf16 = True  # type: ignore[assignment]
    for part in list(layer.layer.modules()):
        if isinstance(part, Attention):
            part.in_bf16 = True
            part.query = _PackedLinear(cast(nn.Linear, part.query), factor=part.scale)
            part.scale = 1
        if isinstance(part, FeedForward) and part.activation is F.relu:
            part.inner = _PackedLinear(cast(nn.Linear, part.inner), "relu")
            part.activation = nn.Identity()
        for name, child in part.named_children():
            if isinstance(child, nn.Linear):
                part.set_submodule(name, _PackedLinear(child))


class _Packed:
    """A product with a matrix, which is packed for the processor when it is first asked for.

    Args:
        rows: of the inputs, for which the layout is chosen.
        act: the activation of oneDNN after it.
        factor: what the matrix and the bias are multiplied by.
    """

    def __init__(self, rows: int, act: str = "none", factor: float = 1) -> None:
        self._rows, self._act, self._factor = rows, act, factor
        self._matrix: tuple[Tensor, Tensor | None] | None = None

    def __call__(self, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self._matrix is None:
            packed = torch.ops.mkldnn._reorder_linear_weight(self._half(weight), self._rows)
            self._matrix = packed, None if bias is None else self._half(bias)
        product: Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs.to(torch.bfloat16), *self._matrix, self._act, [], ""
        )
        return product

    def _half(self, values: Tensor) -> Tensor:
        return (values.detach() * self._factor).to(torch.bfloat16).contiguous()


class _PackedLinear(nn.Module):
    """`[.., inputs]` -> `[.., outputs]` in bf16, times a factor, with oneDNN's `act` after it."""

    def __init__(self, linear: nn.Linear, act: str = "none", factor: float = 1) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self._product = _Packed(_ROWS, act, factor)

    def forward(self, hidden: Tensor) -> Tensor:
        return self._product(hidden, self.weight, self.bias)


class _PackedOutput(nn.Module):
    """See `OutputLayer`: scores in bf16, and the highest of them once more in float32."""

    def __init__(self) -> None:
        super().__init__()
        self._product = _Packed(_STEP)

    def forward(self, states: Tensor, vectors: Tensor, bias: Tensor | None = None) -> Tensor:
        scores = self._product(states, vectors, bias).float()
        likely = scores.topk(min(_CHOSEN, scores.shape[-1])).indices
        exact = torch.einsum("...cw,...w->...c", vectors[likely], states.float())
        if bias is not None:
            exact = exact + bias[likely]
        return scores.scatter_(-1, likely, exact)
