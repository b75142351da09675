"""Multi-head attention: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.

Plain products and a softmax: for the head widths and lengths trained here this is faster than the
fused kernel in bf16 on a CPU, where the fused one falls back as soon as there is dropout.

    scores[q, k] = scale * <query[q], key[k]> + bias[q, k]
    output[q]    = sum over k of softmax(scores[q])[k] * value[k]
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from headwater.nn.disentangled import RelativeTable, position_scores
from headwater.nn.dropout import Dropout
from headwater.nn.norm import at_least_float32
from headwater.nn.rotary import Rotation

_FEW = 16  # queries below which a softmax costs little
_LEAST = 1e-34  # a sum of exponentials that is still exact


class KeyValues(NamedTuple):
    """What is attended to, split into heads: each `[batch, heads, length, head_width]`."""

    keys: Tensor
    values: Tensor


class KeyValueCache:
    """The keys and values of all steps so far: each attention of a step adds its own."""

    def __init__(self) -> None:
        self.stored: KeyValues | None = None

    def extend(self, new: KeyValues) -> KeyValues:
        """Append along the length and return all."""
        if self.stored is not None:
            pairs = zip(self.stored, new, strict=True)
            new = KeyValues(*(torch.cat(pair, dim=2) for pair in pairs))
        self.stored = new
        return new


class Attention(nn.Module):
    """Attention over built projections.

    Args:
        query, key, value: `[.., width] -> [.., heads * head_width]`.
        output: `[.., heads * head_width] -> [.., width]`.
        scale: what the products are multiplied by: head_width ** -0.5, or 1 in T5, which folds
            it into its initialization.
        dropout: probability that an attention weight is dropped in training.
    """

    in_bf16 = False

    def __init__(
        self,
        query: nn.Module,
        key: nn.Module,
        value: nn.Module,
        output: nn.Module,
        *,
        heads: int,
        scale: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.query, self.key, self.value, self.output = query, key, value, output
        self.heads, self.scale = heads, scale
        self.dropout = Dropout(dropout)

    def keys_values(self, memory: Tensor) -> KeyValues:
        """Project `[batch, length, width]` to the keys and values that queries attend to."""
        found = KeyValues(self._split(self.key(memory)), self._split(self.value(memory)))
        if self.in_bf16:  # else each product copies them
            found = KeyValues(*(each.contiguous() for each in found))
        return found

    def forward(
        self,
        hidden: Tensor,
        bias: Tensor | None = None,
        memory: KeyValues | KeyValueCache | None = None,
        relative: RelativeTable | Rotation | None = None,
    ) -> Tensor:
        """Attend from `hidden` to `memory`, or to `hidden` itself.

        Args:
            hidden: `[batch, queries, width]`.
            bias: added to the scores; broadcasts to `[batch, heads, queries, keys]`; float32.
            memory: projected keys and values of an encoder; or those of earlier steps, to which
                those of `hidden` are added. An encoder's may have fewer rows: then as many rows of
                `hidden`, one after another, share one of them, and all queries have one bias.
            relative: vectors of distances, which take part in the scores; or what turns queries
                and keys by their positions.

        Returns:
            `[batch, queries, width]`.
        """
        rows = hidden.shape
        if isinstance(memory, KeyValues):
            keys, values = memory
            hidden = hidden.reshape(len(keys), -1, rows[2])
        else:
            own = self.keys_values(hidden)
            keys, values = own if memory is None else memory.extend(own)
        query = self._scaled_query(hidden)
        if isinstance(relative, Rotation):
            query, keys = relative.turn(query), relative.turn(keys)
        scores = torch.matmul(query, keys.transpose(2, 3))
        if isinstance(relative, RelativeTable):
            scores = self._with_distances(scores, query, keys, relative)
        mixed = self._mix(scores, bias, values)
        output: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return output.view(rows)

    def _mix(self, scores: Tensor, bias: Tensor | None, values: Tensor) -> Tensor:
        """Return the means of values `[batch, heads, keys, width]`, weighted by the scores."""
        mixed = mix_in_bf16(scores, bias, values) if self.in_bf16 else None
        if mixed is None:
            scores = at_least_float32(scores) if bias is None else scores + bias
            weights = torch.softmax(scores, dim=-1).to(values.dtype)  # half as much to drop out
            mixed = torch.matmul(self.dropout(weights), values)
        return mixed

    def _with_distances(
        self, scores: Tensor, query: Tensor, keys: Tensor, relative: RelativeTable
    ) -> Tensor:
        """Add to scores `[batch, heads, queries, keys]` what distances do, and hide what they say.

        A query that sees no key gives all the same score, by which nothing is learned.
        """
        vectors = relative.vectors[None]
        table = self._scaled_query(vectors), self._split(self.key(vectors))
        scores = at_least_float32(scores + position_scores(query, keys, table, relative.rows))
        if relative.allowed is None:
            return scores
        return scores.masked_fill(~relative.allowed, torch.finfo(scores.dtype).min)

    def _scaled_query(self, hidden: Tensor) -> Tensor:
        query = self._split(self.query(hidden))
        return query if self.scale == 1 else query * self.scale

    def _split(self, projected: Tensor) -> Tensor:
        batch, length, width = projected.shape
        return projected.view(batch, length, self.heads, width // self.heads).transpose(1, 2)


def mix_in_bf16(scores: Tensor, bias: Tensor | None, values: Tensor) -> Tensor | None:
    """Return `softmax(scores + bias) @ values` without the passes of a softmax, or None.

    The exponentials are taken as they are, and their sum is one more column of the product:

        softmax(s + b) @ v = e^s @ (e^b v) / e^s @ e^b      where b is the same for all queries

    bf16 has the range of float32, so the highest score need not be taken off first. None where a
    sum comes near the ends of that range, or where there are too few queries to gain by it.

    Args:
        scores: `[batch, heads, queries, keys]`.
        bias: as of `Attention`.
        values: `[batch, heads, keys, width]`.
    """
    if scores.dtype != torch.bfloat16 or scores.shape[2] < _FEW:
        return None
    columns = torch.cat([values, torch.ones_like(values[..., :1])], -1)
    if bias is not None and bias.shape[2] == 1:
        columns *= bias.to(values.dtype).exp().transpose(2, 3)
    elif bias is not None:
        scores = scores + bias.to(scores.dtype)
    mixed = torch.matmul(scores.exp(), columns)
    sums = mixed[..., -1:]
    least, most = torch.aminmax(sums)
    return mixed[..., :-1] / sums if least > _LEAST and most < 1 / _LEAST else None


def square_attention(width: int, heads: int, dropout: float, *, products: int = 1) -> Attention:
    """Build the attention of BERT and GPT, whose projections keep the width and have biases.

    Args:
        products: how many products are summed to a score, each with the same share.
    """
    query, key, value, output = (nn.Linear(width, width) for _ in range(4))
    scale = (products * (width // heads)) ** -0.5
    return Attention(query, key, value, output, heads=heads, scale=scale, dropout=dropout)
