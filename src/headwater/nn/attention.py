"""Multi-head attention: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.

Plain products and a softmax: for the head widths and lengths trained here this is faster than the
fused kernel in bf16 on a CPU, where the fused one falls back as soon as there is dropout.

    scores[q, k] = scale * <query[q], key[k]> + bias[q, k]
    output[q]    = sum over k of softmax(scores[q])[k] * value[k]

The bias says which position may look at which, every pattern as one function of positions, and in
T5 how far apart they are. It is built once per forward and serves every layer.

    fully visible    no rule beyond the padding        BERT, T5's encoder, attention to the encoder
    causal           key position <= query position    GPT, T5's decoder
    causal, prefix   or key position < prefix          a prefix LM: the inputs are seen by all
    packed           and of the same block             several texts in one sequence

(Raffel et al. 2020, "Exploring the Limits of Transfer Learning", section 3.2.1, figure 3.)
Two texts packed into a sequence, causal, and their positions:

    blocks       1 1 1 2 2      sees    x . . . .
    positions    0 1 2 0 1              x x . . .
                                        x x x . .
                                        . . . x .
                                        . . . x x
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from headwater.nn.layers import Dropout, at_least_float32, empty_embedding


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
        return KeyValues(self._split(self.key(memory)), self._split(self.value(memory)))

    def forward(
        self,
        hidden: Tensor,
        bias: Tensor | None = None,
        memory: KeyValues | KeyValueCache | None = None,
    ) -> Tensor:
        """Attend from `hidden` to `memory`, or to `hidden` itself.

        Args:
            hidden: `[batch, queries, width]`.
            bias: added to the scores; broadcasts to `[batch, heads, queries, keys]`; float32.
            memory: projected keys and values of an encoder; or those of earlier steps, to which
                those of `hidden` are added.

        Returns:
            `[batch, queries, width]`.
        """
        if isinstance(memory, KeyValues):
            keys, values = memory
        else:
            own = self.keys_values(hidden)
            keys, values = own if memory is None else memory.extend(own)
        query = self._split(self.query(hidden))
        if self.scale != 1:
            query = query * self.scale
        scores = torch.matmul(query, keys.transpose(2, 3))
        scores = at_least_float32(scores) if bias is None else scores + bias
        weights = torch.softmax(scores, dim=-1).to(values.dtype)  # half as much to drop out
        mixed = torch.matmul(self.dropout(weights), values)
        output: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return output

    def _split(self, projected: Tensor) -> Tensor:
        batch, length, width = projected.shape
        return projected.view(batch, length, self.heads, width // self.heads).transpose(1, 2)


def square_attention(width: int, heads: int, dropout: float) -> Attention:
    """Build the attention of BERT and GPT, whose projections keep the width and have biases."""
    query, key, value, output = (nn.Linear(width, width) for _ in range(4))
    scale = (width // heads) ** -0.5
    return Attention(query, key, value, output, heads=heads, scale=scale, dropout=dropout)


def visible(
    keys: Tensor | None,
    query_positions: Tensor | None = None,
    key_positions: Tensor | None = None,
    prefix: Tensor | None = None,
    *,
    query_blocks: Tensor | None = None,
    key_blocks: Tensor | None = None,
) -> Tensor | None:
    """Combine padding, causality and blocks.

    Args:
        keys: `[batch, keys]` bool, true where a key is a real token; None when all are.
        query_positions, key_positions: `[queries]` and `[keys]`, or of each sequence `[batch, ..]`;
            given together for the causal pattern, left out for the fully visible one.
        prefix: of a causal pattern: key positions below it are seen as well; `[batch]` by all
            queries, or `[batch, queries]`.
        query_blocks, key_blocks: `[batch, queries]` and `[batch, keys]`, given together: which
            text of a packed sequence a position belongs to; padding is a block of its own, 0.

    Returns:
        bool that broadcasts to `[batch, heads, queries, keys]`, or None when all is visible.
    """
    allowed = None if keys is None else keys.bool()[:, None, None, :]
    if query_blocks is not None and key_blocks is not None:
        same = query_blocks.unsqueeze(-1) == key_blocks.unsqueeze(-2)
        allowed = _and(allowed, same.unsqueeze(1))
    if query_positions is None or key_positions is None:
        return allowed
    causal = key_positions.unsqueeze(-2) <= query_positions.unsqueeze(-1)
    if prefix is not None:
        ends = prefix[:, None, None] if prefix.dim() == 1 else prefix.unsqueeze(-1)
        causal = causal | (key_positions.unsqueeze(-2) < ends)
    return _and(allowed, (causal if causal.dim() == 3 else causal[None])[:, None])


def _and(allowed: Tensor | None, more: Tensor) -> Tensor:
    return more if allowed is None else allowed & more


def block_positions(blocks: Tensor) -> Tensor:
    """Count the positions of each block from 0: blocks `[batch, length]` -> the same shape.

    A block may have several parts; its count then goes on.
    """
    same = blocks.unsqueeze(-1) == blocks.unsqueeze(-2)
    return same.tril(-1).sum(-1)


def additive(allowed: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Return 0 where `allowed`, else the lowest finite number (so that no query gives NaN)."""
    if allowed is None:
        return None
    zeros = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device)
    return zeros.masked_fill_(~allowed, torch.finfo(dtype).min)


def bucket(distance: Tensor, *, buckets: int, max_distance: int, both_sides: bool) -> Tensor:
    """Return the bucket of each `key position - query position`; integers of any shape.

    With `both_sides` false, keys to the right all fall into bucket 0: they are not seen.
    """
    side = torch.zeros_like(distance)
    if both_sides:
        buckets //= 2
        side = (distance > 0).long() * buckets
        distance = distance.abs()
    else:
        distance = (-distance).clamp(min=0)
    exact = buckets // 2
    growth = torch.log(distance.clamp(min=exact).float() / exact) / math.log(max_distance / exact)
    far = exact + (growth * (buckets - exact)).long()
    return side + torch.where(distance < exact, distance, far.clamp(max=buckets - 1))


class RelativePositions(nn.Module):
    """A bias of the scores: positions `[queries]`, `[keys]` -> `[1, heads, queries, keys]`.

    A learned number per head and bucket of distances: Raffel et al. 2020, section 2.1 (after Shaw
    et al. 2018). Half of the buckets hold one distance each, the rest grow logarithmically up to
    `max_distance`, and the last takes all that is further. For 32 buckets and 128:

        key - query   0  -1  -2 .. -7  -8 .. -11  ..  -91 and less   1   2 ..
        bucket        0   1   2     7   8      8      15             17  18
    """

    def __init__(self, buckets: int, max_distance: int, heads: int, *, both_sides: bool) -> None:
        super().__init__()
        self.buckets, self.max_distance, self.both_sides = buckets, max_distance, both_sides
        self.table = empty_embedding(buckets, heads)

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        numbers = bucket(
            keys[None, :] - queries[:, None],
            buckets=self.buckets,
            max_distance=self.max_distance,
            both_sides=self.both_sides,
        )
        bias: Tensor = self.table(numbers)
        return bias.permute(2, 0, 1)[None]
