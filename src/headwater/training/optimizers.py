"""Building the optimizer: what decays, and how fast each group of parameters learns.

Weight decay is for matrices only, biases and norms are left alone. The rate of a step is multiplied
by a factor of each parameter's own: `layer_decay` to the power of its depth, and what `group_rates`
says of its name.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from headwater.errors import UserError, did_you_mean
from headwater.methods.layer_depth import depths
from headwater.training.adafactor import Adafactor, new_state
from headwater.training.config import TrainingConfig


def build_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return AdamW (Loshchilov & Hutter 2019) or Adafactor over the trainable parameters."""
    # A network inside of a PerTaskLoss has the names that it has alone.
    trainable = {
        name.removeprefix("network."): parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    if not trainable:
        raise UserError("the model has no parameter that may change; nothing to train")
    factors = rate_factors(trainable, config)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for matrices in (True, False):
        for name, parameter in trainable.items():
            if (parameter.ndim >= 2) == matrices:
                key = (factors[name], config.decay if matrices else 0.0)
                groups.setdefault(key, []).append(parameter)
    rate = config.peak_learning_rate
    options = [
        {"params": group, "weight_decay": decay, "factor": factor}
        for (factor, decay), group in groups.items()
    ]
    if config.optimizer == "adafactor":
        return Adafactor(options, lr=rate)
    return torch.optim.AdamW(
        options,
        lr=rate,
        betas=(config.adam_beta1, config.adam_beta2),
        eps=config.adam_epsilon,
        fused=True,
    )


def state_like(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> dict[str, Tensor]:
    """Return tensors such as the optimizer keeps of a parameter, by their names."""
    if isinstance(optimizer, Adafactor):
        return new_state(parameter.detach())
    return {"step": torch.zeros(()), "exp_avg": parameter, "exp_avg_sq": parameter}


def rate_factors(names: Iterable[str], config: TrainingConfig) -> dict[str, float]:
    """Return by what the learning rate is multiplied for each parameter."""
    depth = depths(names)
    for key in config.group_rates:
        if not any(_begins(name, key) for name in depth):
            begins = (name.split(".")[:most] for most in (1, 2) for name in depth)
            hint = did_you_mean(key, dict.fromkeys(map(".".join, begins)))
            raise UserError(f"training.group_rates: no trained parameter is in {key!r}; {hint}")
    decay = config.layer_decay or 1.0
    return {name: decay**deep * _own(name, config.group_rates) for name, deep in depth.items()}


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the rate of this step."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


def _begins(name: str, key: str) -> bool:
    return f"{name}.".startswith(f"{key}.")


def _own(name: str, rates: Mapping[str, float]) -> float:
    keys = [key for key in rates if _begins(name, key)]
    return rates[max(keys, key=len)] if keys else 1.0
