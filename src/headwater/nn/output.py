"""The output layer of a language model: a score for each token of the vocabulary.

It is mostly the table of token vectors once more (Press and Wolf 2017, "Using the Output Embedding
to Improve Language Models"), so the matrix is given with each call.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.nn.norm import at_least_float32


class OutputLayer(nn.Module):
    """States `[.., width]` and vectors `[vocabulary, width]` -> scores `[.., vocabulary]`.

    The scores are float32 at least.
    """

    def forward(self, states: Tensor, vectors: Tensor, bias: Tensor | None = None) -> Tensor:
        return at_least_float32(F.linear(states, vectors, bias))


def copied_output(table: Tensor, scale: float = 1.0) -> nn.Linear:
    """Return an output matrix of its own that scores as a table does, times `scale`.

    table: token vectors `[vocabulary, width]`.
    """
    rows, width = table.shape
    output = nn.Linear(width, rows, bias=False, device=table.device)
    with torch.no_grad():
        output.weight.copy_(table * scale)
    return output
