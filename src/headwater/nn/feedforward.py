"""The position-wise feed-forward: Vaswani et al. 2017, section 3.3, and its gated form.

Plain:  outer(dropout(act(inner(x))))                        BERT (gelu), T5 v1.0 (relu)
Gated:  outer(dropout(act(gate(x)) * linear(x)))             T5 v1.1, Flan-T5 (tanh gelu)
Gated units: Shazeer 2020, "GLU Variants Improve Transformer", section 2.
"""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.nn.dropout import Dropout

_tanh_gelu = partial(F.gelu, approximate="tanh")


# The names are those of a config.json; "gelu" is the exact (erf) one that BERT was trained with.
ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": _tanh_gelu,
    "gelu_pytorch_tanh": _tanh_gelu,
    "relu": F.relu,
    "silu": F.silu,
    "swish": F.silu,
    "tanh": torch.tanh,
}


class FeedForward(nn.Module):
    """`[.., width]` -> `[.., width]` through `[.., inner]`, each position by itself."""

    def __init__(self, inner: nn.Module, outer: nn.Module, act: str, dropout: float) -> None:
        super().__init__()
        self.inner, self.outer = inner, outer
        self.activation = ACTIVATIONS[act]
        self.dropout = Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        outer: Tensor = self.outer(self.dropout(self.activation(self.inner(hidden))))
        return outer


class GatedFeedForward(nn.Module):
    """`[.., width]` -> `[.., width]`; `gate` decides how much of `linear` passes."""

    def __init__(
        self, gate: nn.Module, linear: nn.Module, outer: nn.Module, act: str, dropout: float
    ) -> None:
        super().__init__()
        self.gate, self.linear, self.outer = gate, linear, outer
        self.activation = ACTIVATIONS[act]
        self.dropout = Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        passed = self.activation(self.gate(hidden)) * self.linear(hidden)
        outer: Tensor = self.outer(self.dropout(passed))
        return outer
