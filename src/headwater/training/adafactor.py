"""Adafactor (Shazeer & Stern 2018, algorithm 4 with section 8's relative steps), as T5 used it.

The second moment of a matrix is kept as its row and column means: memory n + m in place of n x m.

    beta2 = 1 - step^-0.8
    v     = beta2 v + (1 - beta2)(g^2 + 1e-30)          (means over rows and columns if factored)
    u     = g / sqrt(v),   scaled down so that RMS(u) <= 1
    w     = w - schedule x max(1e-3, RMS(w)) x u

Matrices are factored only where both last dimensions are at least 128. torch's own differs (it
factors every matrix and takes another epsilon); `transformers` also factors every matrix.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

FACTORED_FROM = 128
_EPS1 = 1e-30
_EPS2 = 1e-3
_CLIP = 1.0
_DECAY = 0.8


class Adafactor(torch.optim.Optimizer):
    """`lr` is the schedule's value (1e-3 for T5's fine-tuning); momentum is not used.

    State per parameter: `step`, and `row` `[..., n]` with `column` `[..., m]`, or `square`.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group["lr"], group["weight_decay"])

    def _update(self, weight: Tensor, grad: Tensor, rate: float, decay: float) -> None:
        state = self.state[weight]
        if not state:
            state.update(new_state(weight))
        state["step"] += 1
        beta2 = 1.0 - float(state["step"]) ** -_DECAY
        square = grad * grad
        square.add_(_EPS1)
        if "row" in state:
            row, column = state["row"], state["column"]
            row.lerp_(_mean(square, -1, row), 1.0 - beta2)
            column.lerp_(_mean(square, -2, column), 1.0 - beta2)
            row_share = (row / row.mean(dim=-1, keepdim=True)).rsqrt_().unsqueeze(-1)
            update = torch.mul(grad, row_share).mul_(column.rsqrt().unsqueeze(-2))
        else:
            state["square"].lerp_(square, 1.0 - beta2)
            update = grad * state["square"].rsqrt()
        update.div_((_rms(update) / _CLIP).clamp_(min=1.0))
        scale = _rms(weight).clamp_(min=_EPS2)
        if decay:
            weight.mul_(1.0 - rate * decay)
        weight.sub_(update.mul_(scale * rate))


def factored(weight: Tensor) -> bool:
    """Tell whether the second moment of a parameter is kept as its row and column means."""
    return weight.ndim >= 2 and min(weight.shape[-2:]) >= FACTORED_FROM


def new_state(weight: Tensor) -> dict[str, Tensor]:
    """Return the state of a parameter before its first step."""
    step = torch.zeros((), dtype=torch.float32)
    if factored(weight):
        columns = (*weight.shape[:-2], weight.shape[-1])
        return {
            "step": step,
            "row": weight.new_zeros(weight.shape[:-1]),
            "column": weight.new_zeros(columns),
        }
    return {"step": step, "square": torch.zeros_like(weight)}


def _mean(square: Tensor, dim: int, like: Any) -> Tensor:
    """Return the means over a dimension; of a tensor in parts (a DTensor) those of the whole."""
    if not hasattr(like, "placements"):
        return square.mean(dim=dim)
    means: Any = square.sum(dim=dim) / square.shape[dim]  # parts may be of different sizes
    whole: Tensor = means.redistribute(placements=like.placements)
    return whole


def _rms(tensor: Tensor) -> Tensor:
    rms: Tensor = torch.linalg.vector_norm(tensor) / max(1, tensor.numel()) ** 0.5
    return rms
