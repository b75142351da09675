"""A layer that lets its input pass where it has nothing to add: Srivastava, Greff and Schmidhuber
2015, "Highway Networks", section 2.

    gate = sigmoid(G x + g)        output = gate * relu(T x + t) + (1 - gate) * x

The gate's bias begins at -2 (section 3.1), so that a fresh layer passes most of its input on.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Highway(nn.Module):
    """`[.., width]` -> `[.., width]`, letting its input pass where it has nothing to add.

        gate = sigmoid(G x + g)        output = gate * relu(T x + t) + (1 - gate) * x

    Srivastava, Greff and Schmidhuber 2015, "Highway Networks", section 2. The gate's bias begins
    at -2 (section 3.1), so that a fresh layer passes most of its input on.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, width)
        self.transform = nn.Linear(width, width)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.lerp(inputs, F.relu(self.transform(inputs)), torch.sigmoid(self.gate(inputs)))
