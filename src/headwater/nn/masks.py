"""Which position may look at which: every attention pattern as one function of positions.

    fully visible    no rule beyond the padding        BERT, T5's encoder, attention to the encoder
    causal           key position <= query position    GPT, T5's decoder
    causal, prefix   or key position < prefix          a prefix LM: the inputs are seen by all
    packed           and of the same block             several texts in one sequence

(Raffel et al. 2020, "Exploring the Limits of Transfer Learning", section 3.2.1, figure 3.)
The result is built once per forward and added to the scores of every layer. Two texts packed into
a sequence, causal, and their positions:

    blocks       1 1 1 2 2      sees    x . . . .
    positions    0 1 2 0 1              x x . . .
                                        x x x . .
                                        . . . x .
                                        . . . x x
"""

import torch
from torch import Tensor


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
