"""Tables of vectors that are filled by a checkpoint or by a model's own initialization."""

import torch
from torch import nn


def table(rows: int, width: int, padding: int | None = None) -> nn.Embedding:
    """Return an embedding `[..] -> [.., width]` whose weights are not drawn yet.

    The class's own draw would be thrown away, and on the meta device, where checkpoints are
    loaded, it imports 800 modules: a second of the first answer.

    Args:
        rows: how many vectors.
        width: of each.
        padding: the row that is never trained.
    """
    return nn.Embedding(rows, width, padding, _weight=torch.empty(rows, width), _freeze=False)
