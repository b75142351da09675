"""The stack that all architectures of T5 are built of: Raffel et al. 2020, section 2.1.

Norms divide by the root mean square and stand before each layer; there are no biases; positions are
a bias of the scores, learned once per stack and shared by its layers. In umT5 each layer learns its
own.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from headwater.models.t5.config import T5Config
from headwater.nn.attention import Attention, KeyValueCache, KeyValues
from headwater.nn.block import Block, PreNorm
from headwater.nn.dropout import Dropout
from headwater.nn.feedforward import FeedForward, GatedFeedForward
from headwater.nn.masks import additive
from headwater.nn.norm import RMSNorm
from headwater.nn.positions import RelativePositions


def attention(config: T5Config) -> PreNorm:
    """Build an attention without biases or scale, inside its residual."""
    width, inner = config.d_model, config.num_heads * config.d_kv
    layer = Attention(
        nn.Linear(width, inner, bias=False),
        nn.Linear(width, inner, bias=False),
        nn.Linear(width, inner, bias=False),
        nn.Linear(inner, width, bias=False),
        heads=config.num_heads,
        scale=1.0,
        dropout=config.dropout_rate,
    )
    return PreNorm(layer, RMSNorm(width, config.layer_norm_epsilon), config.dropout_rate)


def feedforward(config: T5Config) -> PreNorm:
    """Build a plain or gated feed-forward without biases, inside its residual."""
    width, inner = config.d_model, config.d_ff
    first = nn.Linear(width, inner, bias=False)
    last = nn.Linear(inner, width, bias=False)
    act, dropout = config.activation, config.dropout_rate
    layer: nn.Module
    if config.gated:
        layer = GatedFeedForward(first, nn.Linear(width, inner, bias=False), last, act, dropout)
    else:
        layer = FeedForward(first, last, act, dropout)
    return PreNorm(layer, RMSNorm(width, config.layer_norm_epsilon), dropout)


Context = tuple[KeyValueCache | KeyValues | Tensor | None, ...]


class Stack(nn.Module):
    """Layers that share one bias by relative positions, and the norm after the last.

    Args:
        config: the sizes.
        layers: blocks for `[batch, length, width]`, a bias and what else is given to each.
        both_sides: whether positions tell the sides apart.
    """

    def __init__(self, config: T5Config, layers: Iterable[nn.Module], *, both_sides: bool) -> None:
        super().__init__()
        stacked = nn.ModuleList(layers)
        tables = [
            RelativePositions(
                config.relative_attention_num_buckets,
                config.relative_attention_max_distance,
                config.num_heads,
                both_sides=both_sides,
            )
            for _ in range(len(stacked) if config.model_type == "umt5" else 1)
        ]
        self.positions = nn.ModuleList(tables) if config.model_type == "umt5" else tables[0]
        self.layers = stacked  # after the positions: states of runs keep parameters in this order
        self.norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def forward(
        self,
        vectors: Tensor,
        allowed: Tensor | None,
        contexts: Sequence[Context] | None = None,
        earlier: int = 0,
    ) -> Tensor:
        """Return states of the same shape.

        Args:
            vectors: `[batch, new, width]`.
            allowed: bool that broadcasts to `[batch, heads, new, earlier + new]`; None: all.
            contexts: what each layer is given beside the bias, such as its `KeyValueCache`;
                None: nothing.
            earlier: how many positions there were before.
        """
        positions = torch.arange(earlier + vectors.shape[1], device=vectors.device)
        tables = self.positions if isinstance(self.positions, nn.ModuleList) else [self.positions]
        biases = [table(positions[earlier:], positions) for table in tables]
        hiding = additive(allowed, biases[0].dtype)
        biases = biases if hiding is None else [bias + hiding for bias in biases]
        if len(biases) == 1:
            biases = biases * len(self.layers)
        hidden = self.dropout(vectors)
        contexts = contexts or [()] * len(self.layers)
        for layer, bias, context in zip(self.layers, biases, contexts, strict=True):
            hidden = layer(hidden, bias, *context)
        states: Tensor = self.dropout(self.norm(hidden))
        return states


def blocks(config: T5Config) -> Iterator[Block]:
    """Build layers that look at nothing but their own stack."""
    for _ in range(config.num_layers):
        yield Block(attention=attention(config), feedforward=feedforward(config))
