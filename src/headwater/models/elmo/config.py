"""The shape of an ELMo, and the published sizes. Free of torch.

Peters et al. 2018, "Deep Contextualized Word Representations", sections 3.2 and 3.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from headwater.errors import UserError

_MOST = 100_000  # filters of one width
_WIDEST = 50  # characters of a word, those of its begin and end included


@dataclass(frozen=True, slots=True)
class ELMoConfig:
    """Sizes and rates of one ELMo; the defaults are the published one.

    character_dim: the width of a character's vector.
    num_highway: highway layers after the filters.
    cells: the cells of each LSTM, which are projected.
    num_layers: the layers of each direction.
    cell_clip, projection_clip: bounds of the cells and of the states; 0: none.
    """

    model_type: Literal["elmo"] = "elmo"
    vocab_size: int = 0
    """Words that it can predict, and read by their ids; 0: it reads characters only."""
    character_dim: int = 16
    filters: tuple[tuple[int, int], ...] = (
        (1, 32),
        (2, 32),
        (3, 64),
        (4, 128),
        (5, 256),
        (6, 512),
        (7, 1024),
    )
    """Pairs of a width in characters and how many filters have it."""
    activation: str = "relu"
    """An activation of `nn.feedforward`, after the filters."""
    num_highway: int = 2
    projection_dim: int = 512
    """The width of a word's vector, and of each direction's states."""
    cells: int = 4096
    num_layers: int = 2
    cell_clip: float = 3.0
    projection_clip: float = 3.0
    skip_connections: bool = True
    """Whether the second layer and those above add what they read to their output."""
    dropout_rate: float = 0.1
    """Dropout of what each layer reads and of the last states, in training."""
    samples: int = 8192
    """Words that a training step chooses between; all, where there are no more."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", _checked(self.filters))  # lists, as files have them

    @property
    def channels(self) -> int:
        """How many filters there are in all."""
        return sum(many for _, many in self.filters)


def _checked(filters: Any) -> tuple[tuple[int, int], ...]:
    """Return pairs of whole numbers."""
    listed = filters if isinstance(filters, list | tuple) and len(filters) <= _WIDEST else []
    pairs = [tuple(pair) for pair in listed if isinstance(pair, list | tuple)]
    right = [
        p
        for p in pairs
        if list(map(type, p)) == [int, int] and 0 < p[0] <= _WIDEST and 0 < p[1] <= _MOST
    ]
    if not right or len(right) != len(listed):
        shown = filters[:9] if isinstance(filters, list | tuple) else filters
        raise UserError(
            f"filters = {shown!r:.60}: expected [[width, number], ..], up to {_WIDEST}, a width "
            f"from 1 to {_WIDEST} characters and a number up to {_MOST:,}"
        )
    return cast(tuple[tuple[int, int], ...], tuple(right))


PRESETS: Mapping[str, ELMoConfig] = {
    "elmo": ELMoConfig(),
    "elmo-medium": ELMoConfig(num_highway=1, projection_dim=256, cells=2048),
    "elmo-small": ELMoConfig(num_highway=1, projection_dim=128, cells=1024),
}
