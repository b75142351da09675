"""The optimizer, the learning rate of each step and parameter, and the memory that they take.

The rate is a pure function of the step, so that resuming needs no state. Steps count from 1. It
rises linearly over the warm-up, whose last step has the full rate, and no step is wasted at a rate
of zero: the first has 1/warmup of it, the last a little more than nothing.

Weight decay is for matrices only, biases and norms are left alone. The rate of a step is multiplied
by a factor of each parameter's own: `layer_decay` to the power of its depth, and what `group_rates`
says of its name.

Memory is that of weights, gradients and the optimizer's moments, at 4 bytes a number. For a
parameter of 512 x 512 that trains, AdamW keeps two moments of that size: 1 MB of weights becomes
4 MB; Adafactor keeps 512 + 512 numbers: 2 MB. One that is frozen stays at 1 MB.
"""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from headwater.device import megabytes
from headwater.errors import UserError, did_you_mean
from headwater.methods.freezing import depths
from headwater.training.adafactor import Adafactor, factored
from headwater.training.config import TrainingConfig

# Raffel et al. 2020, section 3.1.2: 1/sqrt(max(n, k)) with k = 10^4.
T5_FLAT_STEPS = 10_000

_BYTES = 4  # weights are kept in float32, whatever the products are computed in


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


def warmup_steps(config: TrainingConfig, total: int) -> int:
    """Return the length of the warm-up in steps; a share is rounded."""
    if isinstance(config.warmup, float):
        return round(config.warmup * total)
    return config.warmup


def schedule_factor(schedule: str, step: int, warmup: int, total: int) -> float:
    """Return the share of the full learning rate at a step (1 .. total)."""
    if step <= warmup:
        return step / warmup
    done = (step - warmup - 1) / max(1, total - warmup)
    if schedule == "linear":
        return 1.0 - done
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    if schedule == "inverse_square_root":
        # Without a warm-up this is T5's own: level for 10^4 steps, then falling.
        flat = warmup or T5_FLAT_STEPS
        return math.sqrt(flat / max(step, flat))
    assert schedule == "constant", schedule
    return 1.0


def learning_rate(config: TrainingConfig, step: int, total: int) -> float:
    """Return the learning rate at a step (1 .. total)."""
    share = schedule_factor(config.schedule, step, warmup_steps(config, total), total)
    return config.peak_learning_rate * share


def schedule_warnings(config: TrainingConfig, total: int) -> list[str]:
    """Say what is allowed but surely not meant: the traps that leave a model untrained."""
    found = []
    if config.peak_learning_rate == 0:
        found.append("the learning rate is 0 at every step: nothing will be learned")
    warmup = warmup_steps(config, total)
    if warmup >= total:
        found.append(
            f"the warm-up ({warmup} steps) is as long as the training ({total} steps): "
            "the full learning rate is reached at the end or never"
        )
    return found


def training_line(model: nn.Module, method: str, config: TrainingConfig) -> str:
    """Return how many parameters train, and the memory that a step needs without activations.

    What trains at any time of the run counts from the beginning.
    """
    trained, total = count_parameters(model)
    return (
        f"{method}: {trained:,} of {total:,} parameters train ({trained / total:.1%}); "
        f"{megabytes(training_bytes(model, config))} for weights, gradients and moments"
    )


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """Return how many numbers require a gradient, and how many there are."""
    sizes = [(each.numel(), each.requires_grad) for each in model.parameters()]
    return sum(size for size, trains in sizes if trains), sum(size for size, _ in sizes)


def training_bytes(model: nn.Module, config: TrainingConfig) -> int:
    """Return the bytes of all weights, and of the gradients and moments of what trains."""
    numbers = 0
    for parameter in model.parameters():
        size = parameter.numel()
        numbers += size
        if not parameter.requires_grad:
            continue
        numbers += size
        if config.optimizer == "adamw":
            numbers += 2 * size
        elif factored(parameter):
            numbers += size // parameter.shape[-1] + size // parameter.shape[-2]
        else:
            numbers += size
    return _BYTES * numbers
