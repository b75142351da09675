"""Embeddings that are filled by a checkpoint or by a model's own initialization."""

import torch
from torch import Tensor, nn


def empty_embedding(count: int, width: int, padding: int | None = None) -> nn.Embedding:
    """Return an embedding `[..] -> [.., width]` whose weights are not drawn yet.

    A checkpoint or the model's own initialization fills it. The class's own draw would be thrown
    away, and on the meta device, where checkpoints are loaded, it imports 800 modules: a second of
    the first answer. `padding` is the vector that is never trained.
    """
    return nn.Embedding(count, width, padding, _weight=torch.empty(count, width), _freeze=False)


def position_vectors(table: nn.Embedding, begin: int | Tensor, count: int) -> Tensor:
    """Return the vectors of `count` positions from `begin` on, `[count, width]`.

    Where sequences begin at positions of their own, `[batch, 1]`: `[batch, count, width]`.
    """
    if isinstance(begin, int):
        return table.weight[begin : begin + count]
    vectors: Tensor = table(begin + torch.arange(count, device=begin.device))
    return vectors
