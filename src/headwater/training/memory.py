"""What a way to adapt a model trains, and what that costs in memory.

Weights, gradients and the optimizer's moments, at 4 bytes a number. For a parameter of 512 x 512
that trains, AdamW keeps two moments of that size: 1 MiB of weights becomes 4 MiB; Adafactor keeps
512 + 512 numbers: 2 MiB. One that is frozen stays at 1 MiB.
"""

from torch import nn

from headwater.sizes import byte_size
from headwater.training.adafactor import factored
from headwater.training.config import TrainingConfig

_BYTES = 4  # weights are kept in float32, whatever the products are computed in


def training_line(model: nn.Module, method: str, config: TrainingConfig) -> str:
    """Return how many parameters train, and the memory that a step needs without activations.

    What trains at any time of the run counts from the beginning.
    """
    trained, total = count_parameters(model)
    return (
        f"{method}: {trained:,} of {total:,} parameters train ({trained / total:.1%}); "
        f"{byte_size(training_bytes(model, config))} for weights, gradients and moments"
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
