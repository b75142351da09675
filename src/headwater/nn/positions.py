"""Relative positions as a learned number per head and bucket of distances: Raffel et al. 2020,
section 2.1 (after Shaw et al. 2018).

Half of the buckets hold one distance each, the rest grow logarithmically up to `max_distance`, and
the last takes all that is further. For 32 buckets that see both sides and 128 as the distance:

    key - query   0  -1  -2 .. -7  -8 .. -11  ..  -91 and less   1   2 ..
    bucket        0   1   2     7   8      8      15             17  18
"""

import math

import torch
from torch import Tensor, nn

from headwater.nn.embedding import empty_embedding


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

    in_bf16 = False

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
        bias = bias.permute(2, 0, 1)[None]
        return bias.to(torch.bfloat16).contiguous() if self.in_bf16 else bias
