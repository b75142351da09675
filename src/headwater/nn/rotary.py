"""Rotary positions: queries and keys are turned by an angle for each position (Su et al. 2021,
"RoFormer: Enhanced Transformer with Rotary Position Embedding", section 3.2).

The product of a query and a key then depends on their distance alone. Number `i` of the first half
of a head's width is turned together with number `i` of the second half, by

    position * base ** (-2 i / head_width)
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Rotation(NamedTuple):
    """The cosines and sines of the angles of each position, each `[length, head_width]`."""

    cosines: Tensor
    sines: Tensor

    def turn(self, vectors: Tensor) -> Tensor:
        """Turn queries or keys, `[batch, heads, length, head_width]` -> the same shape."""
        first, second = vectors.chunk(2, dim=-1)
        turned = vectors * self.cosines + torch.cat([-second, first], -1) * self.sines
        return turned.to(vectors.dtype)


def rotation(positions: Tensor, head_width: int, base: float, dtype: torch.dtype) -> Rotation:
    """Return the rotation of positions `[length]`, or of each sequence `[batch, 1, length]`."""
    steps = torch.arange(0, head_width, 2, dtype=torch.float32, device=positions.device)
    angles = positions[..., None].float() * (1.0 / base ** (steps / head_width))
    angles = torch.cat([angles, angles], -1)
    return Rotation(angles.cos().to(dtype), angles.sin().to(dtype))
