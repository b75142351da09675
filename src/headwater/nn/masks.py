"""Which position may look at which: every attention pattern as one function of positions.

    fully visible    no rule beyond the padding        BERT, T5's encoder, attention to the encoder
    causal           key position <= query position    GPT, T5's decoder
    causal, prefix   or key position < prefix          a prefix LM: the inputs are seen by all

(Raffel et al. 2020, "Exploring the Limits of Transfer Learning", section 3.2.1, figure 3.)
The result is built once per forward and added to the scores of every layer.
"""

import torch
from torch import Tensor


def visible(
    keys: Tensor | None,
    query_positions: Tensor | None = None,
    key_positions: Tensor | None = None,
    prefix: Tensor | None = None,
) -> Tensor | None:
    """Combine padding with causality.

    Args:
        keys: `[batch, keys]` bool, true where a key is a real piece; None when all are.
        query_positions, key_positions: `[queries]` and `[keys]`; given together for the causal
            pattern, left out for the fully visible one.
        prefix: `[batch]`, of a causal pattern: key positions below it are seen by all queries.

    Returns:
        bool that broadcasts to `[batch, heads, queries, keys]`, or None when all is visible.
    """
    allowed = None if keys is None else keys.bool()[:, None, None, :]
    if query_positions is None or key_positions is None:
        return allowed
    causal = (key_positions[None, :] <= query_positions[:, None])[None, None]
    if prefix is not None:
        causal = causal | (key_positions < prefix[:, None])[:, None, None, :]
    return causal if allowed is None else allowed & causal


def additive(allowed: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Return 0 where `allowed`, else the lowest finite number (so that no row becomes NaN)."""
    if allowed is None:
        return None
    zeros = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device)
    return zeros.masked_fill_(~allowed, torch.finfo(dtype).min)
