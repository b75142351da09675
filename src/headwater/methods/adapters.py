"""Adapter layers: Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP", section 2;
for T5, Raffel et al. 2020, section 3.5.1.

A small dense-ReLU-dense network with a residual of its own follows each feed-forward layer (and, as
Houlsby et al. have it, each attention), inside the layer's residual:

    feed-forward: .. outer --+-- down [size, width] -- relu -- up [width, size] --+-- dropout, sum
                             +----------------------------------------------------+

`up` begins at zero, so that at first the model is what it was. The adapters, the layer norms and
a head train; all else, also a T5's embedding and output, stays as it is. A layer of width 512 gets
2 x 512 x 64 + 64 + 512 = 66,112 numbers by an adapter of size 64.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.methods.config import AdaptersConfig
from headwater.methods.method import Method, freeze_body, layer_linears
from headwater.models.build import Model
from headwater.models.memory import check_room
from headwater.nn.norm import LayerNorm, RMSNorm


class Adapter(nn.Module):
    """`[.., width]` -> `[.., width]`, the identity at first."""

    def __init__(self, width: int, size: int, device: torch.device) -> None:
        super().__init__()
        self.down = nn.Linear(width, size, device=device)
        self.up = nn.Linear(size, width, device=device)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        changed: Tensor = self.up(F.relu(self.down(hidden)))
        return hidden + changed


class AdaptedLinear(nn.Module):
    """The last linear module of a layer, and the adapter after it."""

    def __init__(self, linear: nn.Linear, size: int) -> None:
        super().__init__()
        self.base = linear
        self.adapter = Adapter(linear.out_features, size, linear.weight.device)

    def forward(self, hidden: Tensor) -> Tensor:
        adapted: Tensor = self.adapter(self.base(hidden))
        return adapted


@final
@dataclass(frozen=True, slots=True)
class Adapters(Method):
    """Method `adapters`."""

    config: AdaptersConfig
    saves_adapter_only: ClassVar[bool] = True

    def attach(self, model: Model) -> None:
        """Freeze the body but for its norms, and put the adapters in."""
        freeze_body(model, "adapters")
        for module in model.modules():
            if isinstance(module, LayerNorm | RMSNorm):
                module.requires_grad_(True)
        ends = ("outer", "output") if self.config.after_attention else ("outer",)
        size = self.config.size
        last = {name: each for name, each in layer_linears(model).items() if name.endswith(ends)}
        numbers = 2 * size * sum(each.out_features for each in last.values())
        check_room(numbers, f"adapters.size = {size}")
        for name, linear in last.items():
            model.set_submodule(name, AdaptedLinear(linear, size))
