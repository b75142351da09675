"""Residual connections around built layers, and the transformer block made of them.

Where the norm goes is a choice of what is passed in:

    PostNorm   norm(x + dropout(layer(x)))     Vaswani et al. 2017, section 3.1; BERT
    PreNorm    x + dropout(layer(norm(x)))     Raffel et al. 2020, section 2.1; T5
"""

from torch import Tensor, nn

from headwater.nn.attention import KeyValueCache, KeyValues
from headwater.nn.disentangled import RelativeTable
from headwater.nn.dropout import Dropout
from headwater.nn.rotary import Rotation

Context = Tensor | KeyValues | KeyValueCache | RelativeTable | Rotation | None
"""What a layer is given beside the states: see `Attention.forward`."""


class PostNorm(nn.Module):
    """Normalize after the sum. `[batch, length, width]` -> the same shape."""

    def __init__(self, layer: nn.Module, norm: nn.Module, dropout: float) -> None:
        super().__init__()
        self.layer, self.norm = layer, norm
        self.dropout = Dropout(dropout)

    def forward(self, hidden: Tensor, *context: Context) -> Tensor:
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

    def forward(self, hidden: Tensor, *context: Context) -> Tensor:
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

    @property
    def lender(self) -> Block:
        """The encoder's layer, of which parts are called, and never the layer itself."""
        return self._lender[0]

    def forward(
        self,
        hidden: Tensor,
        bias: Tensor,
        own: KeyValueCache,
        memory: KeyValues,
        memory_bias: Tensor | None,
    ) -> Tensor:
        """Decode `[batch, length, width]`; see `DecoderBlock.forward`."""
        hidden = self.lender.attention(hidden, bias, own)
        hidden = self.cross(hidden, memory_bias, memory)
        output: Tensor = self.lender.feedforward(hidden)
        return output
