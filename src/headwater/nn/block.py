"""Feed-forwards, residual connections around built layers, and the transformer block made of them.

    plain      outer(dropout(act(inner(x))))               BERT (gelu), T5 v1.0 (relu)
    gated      outer(dropout(act(gate(x)) * linear(x)))    T5 v1.1, Flan-T5 (tanh gelu)

Vaswani et al. 2017, section 3.3; Shazeer 2020, "GLU Variants Improve Transformer", section 2. Where
the norm goes is a choice of what is passed in:

    PostNorm   norm(x + dropout(layer(x)))     Vaswani et al. 2017, section 3.1; BERT
    PreNorm    x + dropout(layer(norm(x)))     Raffel et al. 2020, section 2.1; T5
"""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.nn.attention import KeyValueCache, KeyValues
from headwater.nn.layers import Dropout

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


class Pooler(nn.Module):
    """A dense layer on the first position: `[batch, length, hidden]` -> `[batch, hidden]`.

    Devlin et al. 2019, figure 2.
    """

    def __init__(self, width: int, act: str, dropout: float = 0.0) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.activation = ACTIVATIONS[act]
        self.dropout = Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.activation(self.dense(self.dropout(hidden[:, 0])))


class Highway(nn.Module):
    """`[.., width]` -> `[.., width]`, letting its input pass where it has nothing to add.

        gate = sigmoid(G x + g)        output = gate * relu(T x + t) + (1 - gate) * x

    Srivastava, Greff and Schmidhuber 2015, "Highway Networks", section 2. The gate's bias begins
    at -2 (section 3.1), so that a fresh layer passes most of its input on.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, width)
        self.transform = nn.Linear(width, width)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.lerp(inputs, F.relu(self.transform(inputs)), torch.sigmoid(self.gate(inputs)))


class PostNorm(nn.Module):
    """Normalize after the sum. `[batch, length, width]` -> the same shape."""

    def __init__(self, layer: nn.Module, norm: nn.Module, dropout: float) -> None:
        super().__init__()
        self.layer, self.norm = layer, norm
        self.dropout = Dropout(dropout)

    def forward(
        self, hidden: Tensor, *context: Tensor | KeyValues | KeyValueCache | None
    ) -> Tensor:
        """Pass `context` (the bias, then the memory of an attention) on to the layer."""
        changed: Tensor = self.layer(hidden, *context)
        output: Tensor = self.norm(hidden + self.dropout(changed))
        return output


class PreNorm(nn.Module):
    """Normalize what the layer sees, and keep the sum as it is: `[batch, length, width]`."""

    def __init__(self, layer: nn.Module, norm: nn.Module, dropout: float) -> None:
        super().__init__()
        self.layer, self.norm = layer, norm
        self.dropout = Dropout(dropout)

    def forward(
        self, hidden: Tensor, *context: Tensor | KeyValues | KeyValueCache | None
    ) -> Tensor:
        """Pass `context` (the bias, then the memory of an attention) on to the layer."""
        changed: Tensor = self.layer(self.norm(hidden), *context)
        kept: Tensor = self.dropout(changed)
        return hidden + kept


class Block(nn.Module):
    """Self-attention, then a feed-forward, each inside its residual: `[batch, length, width]`."""

    def __init__(self, *, attention: nn.Module, feedforward: nn.Module) -> None:
        super().__init__()
        self.attention, self.feedforward = attention, feedforward

    def forward(
        self, hidden: Tensor, bias: Tensor | None, own: KeyValueCache | None = None
    ) -> Tensor:
        """Add the keys and values of `hidden` to those of earlier steps, `own`, if there are."""
        hidden = self.attention(hidden, bias, own)
        output: Tensor = self.feedforward(hidden)
        return output


class DecoderBlock(nn.Module):
    """Self-attention, attention to the encoder's output, feed-forward, each inside its residual."""

    def __init__(self, *, attention: nn.Module, cross: nn.Module, feedforward: nn.Module) -> None:
        super().__init__()
        self.attention, self.cross, self.feedforward = attention, cross, feedforward

    def forward(
        self,
        hidden: Tensor,
        bias: Tensor,
        own: KeyValueCache,
        memory: KeyValues,
        memory_bias: Tensor | None,
    ) -> Tensor:
        """Decode `[batch, length, width]`.

        Args:
            hidden: the decoder's states.
            bias: of the self-attention's scores: relative positions and causality.
            own: keys and values of earlier steps, to which those of `hidden` are added.
            memory, memory_bias: the encoder's output, projected, and its padding.
        """
        hidden = self.attention(hidden, bias, own)
        hidden = self.cross(hidden, memory_bias, memory)
        output: Tensor = self.feedforward(hidden)
        return output


class BorrowingBlock(nn.Module):
    """A decoder's layer whose self-attention and feed-forward are those of an encoder's layer.

    Only its attention to the encoder's output is its own (Raffel et al. 2020, section 3.2.2).
    """

    def __init__(self, *, lender: Block, cross: nn.Module) -> None:
        super().__init__()
        self.cross = cross
        self._lender = (lender,)  # no submodule: its parameters are counted and saved once

    def forward(
        self,
        hidden: Tensor,
        bias: Tensor,
        own: KeyValueCache,
        memory: KeyValues,
        memory_bias: Tensor | None,
    ) -> Tensor:
        """Decode `[batch, length, width]`; see `DecoderBlock.forward`."""
        [lender] = self._lender
        hidden = lender.attention(hidden, bias, own)
        hidden = self.cross(hidden, memory_bias, memory)
        output: Tensor = lender.feedforward(hidden)
        return output
