"""LoRA, low-rank adaptation: Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models",
section 4.1.

A frozen matrix W, [outputs, inputs], gets an update of low rank, which trains:

    y = W x + (alpha / rank) B A x        A: [rank, inputs], random; B: [outputs, rank], zero

At first the model is what it was. Afterwards W + (alpha / rank) B A is a matrix like any other
(`merge`), so that the adapted model is as fast as before. With rank 8, a matrix of 768 x 768 trains
8 x (768 + 768) = 12,288 numbers in place of 589,824. A head trains as a whole.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from headwater.errors import UserError, listed
from headwater.methods.config import LoraConfig
from headwater.methods.method import Method, freeze_body, layer_linears
from headwater.models.build import Model
from headwater.nn.dropout import Dropout


class LowRankLinear(nn.Module):
    """A linear module and its update of low rank: `[.., inputs]` -> `[.., outputs]`."""

    def __init__(self, linear: nn.Linear, config: LoraConfig) -> None:
        super().__init__()
        device = linear.weight.device
        self.base = linear
        self.dropout = Dropout(config.dropout)
        # What nn.Linear draws by itself is the published start: kaiming_uniform(a=sqrt(5)).
        self.lora_A = nn.Linear(linear.in_features, config.rank, bias=False, device=device)
        self.lora_B = nn.Linear(config.rank, linear.out_features, bias=False, device=device)
        nn.init.zeros_(self.lora_B.weight)
        self.scale = config.alpha / config.rank

    def forward(self, hidden: Tensor) -> Tensor:
        update: Tensor = self.lora_B(self.lora_A(self.dropout(hidden)))
        output: Tensor = self.base(hidden) + update * self.scale
        return output

    def merged(self) -> nn.Linear:
        """Return one plain linear module that computes the same, in a tensor of its own."""
        weight, bias = self.base.weight, self.base.bias
        plain = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device="meta")
        change = self.lora_B.weight.detach() @ self.lora_A.weight.detach() * self.scale
        plain.weight = nn.Parameter(weight.detach() + change)
        if bias is not None:
            plain.bias = nn.Parameter(bias.detach().clone())
        return plain


@final
@dataclass(frozen=True, slots=True)
class Lora(Method):
    """Method `lora`."""

    config: LoraConfig
    saves_adapter_only: ClassVar[bool] = True

    def attach(self, model: Model) -> None:
        """Freeze the body and add the updates."""
        freeze_body(model, "lora")
        linears = layer_linears(model)
        last = {name: name.rpartition(".")[2] for name in linears}
        for target in self.config.targets:
            if target not in last.values():
                known = listed(dict.fromkeys(last.values()))
                raise UserError(f"lora.targets: this model has no {target!r}; it has {known}")
        chosen = {name: linears[name] for name in linears if last[name] in self.config.targets}
        for name, linear in chosen.items():
            most = min(linear.in_features, linear.out_features)
            if self.config.rank > most:
                raise UserError(
                    f"lora.rank = {self.config.rank}: {last[name]} is {linear.out_features} x "
                    f"{linear.in_features}, of rank {most} at most"
                )
        for name, linear in chosen.items():
            model.set_submodule(name, LowRankLinear(linear, self.config))


def merge(model: nn.Module) -> None:
    """Add each update to its matrix, in place: outputs stay the same."""
    adapted = [(n, m) for n, m in model.named_modules() if isinstance(m, LowRankLinear)]
    with torch.no_grad():
        for name, module in adapted:
            model.set_submodule(name, module.merged())
