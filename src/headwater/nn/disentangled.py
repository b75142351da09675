"""Disentangled attention: content and relative position are compared apart (He et al. 2021,
"DeBERTa: Decoding-enhanced BERT with Disentangled Attention", section 3.1).

    score[q, k] = <query[q], key[k]>                      content to content
                + <query[q], position key[q - k]>         content to position
                + <key[k], position query[q - k]>         position to content

Distances beyond the near ones share logarithmic buckets (He et al. 2023, DeBERTa-v3; v2's code).
"""

from typing import NamedTuple

import torch
from torch import Tensor


class RelativeTable(NamedTuple):
    """What a layer knows of distances.

    vectors: one for each bucket of distances, `[2 * span, width]`.
    rows: which of them stands for a query and a key, `[queries, keys]`.
    allowed: which query sees which key: bool that broadcasts to `[batch, heads, queries, keys]`; a
        query that sees none takes the mean of all. None: all see all.
    """

    vectors: Tensor
    rows: Tensor
    allowed: Tensor | None


def distance_index(length: int, span: int, furthest: int | None, device: torch.device) -> Tensor:
    """Return the index of the vector of each distance from query to key: `[length, length]`.

    Args:
        span: half of the number of vectors.
        furthest: the greatest distance that the buckets tell apart; None: there are no buckets,
            and each distance up to `span` has a vector of its own.
    """
    positions = torch.arange(length, device=device)
    distance = positions[:, None] - positions[None, :]
    if furthest is not None:
        distance = _bucket(distance, span, furthest)
    return (distance + span).clamp(0, 2 * span - 1)


def _bucket(distance: Tensor, span: int, furthest: int) -> Tensor:
    middle = span // 2
    size = distance.abs().clamp(min=middle)
    growth = torch.log(size / middle) / torch.log(torch.tensor((furthest - 1) / middle))
    far = torch.ceil(growth * (middle - 1)) + middle
    return torch.where(distance.abs() <= middle, distance, (far * distance.sign()).long())


def position_scores(
    query: Tensor, keys: Tensor, table: tuple[Tensor, Tensor], index: Tensor
) -> Tensor:
    """Return what positions add to the scores, `[batch, heads, queries, keys]`.

    Args:
        query: `[batch, heads, queries, head_width]`, with the scale of all three products.
        keys: `[batch, heads, keys, head_width]`.
        table: the projected vectors as queries, of the same scale, and as keys: each
            `[1, heads, 2 * span, head_width]`.
        index: `[queries, keys]`.
    """
    as_queries, as_keys = table
    shape = (*query.shape[:2], *index.shape)
    to_position = torch.matmul(query, as_keys.transpose(2, 3)).gather(3, index.expand(shape))
    turned = index.t().expand(*shape[:2], shape[3], shape[2])
    to_content = torch.matmul(keys, as_queries.transpose(2, 3)).gather(3, turned)
    return to_position + to_content.transpose(2, 3)
