"""A learned mix of layers (Peters et al. 2018, equation 1)."""

import torch
from torch import Tensor, nn


class LayerMix(nn.Module):
    """Layers `[layers, .., width]` -> `[.., width]` (Peters et al. 2018, equation 1).

    gamma * sum over k of softmax(weights)[k] * layers[k]; at first the layers' mean.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.gamma = nn.Parameter(torch.ones(()))

    def forward(self, layers: Tensor) -> Tensor:
        weights = torch.softmax(self.weights, 0)
        mixed: Tensor = self.gamma * torch.tensordot(weights, layers, dims=1)
        return mixed
