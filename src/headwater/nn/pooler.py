"""A dense layer on the first position (Devlin et al. 2019, figure 2)."""

from torch import Tensor, nn

from headwater.nn.dropout import Dropout
from headwater.nn.feedforward import ACTIVATIONS


class Pooler(nn.Module):
    """A dense layer on the first position: `[batch, length, hidden]` -> `[batch, hidden]`.

    Devlin et al. 2019, figure 2.
    """

    def __init__(self, width: int, act: str, dropout: float = 0.0) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.activation = ACTIVATIONS[act]
        self.dropout = Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.activation(self.dense(self.dropout(hidden[:, 0])))
