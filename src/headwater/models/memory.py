"""Whether a network fits into the memory of this machine, before any of it is taken.

The system may promise more memory than there is, and end the process once it is used. A network on
torch's meta device takes none, and its parameters can be counted.
"""

import os

import torch

from headwater.errors import UserError
from headwater.models.build import empty_model
from headwater.models.config import HeadName, ModelConfig
from headwater.sizes import byte_size


def check_memory(config: ModelConfig, head: HeadName | None = None) -> None:
    """Refuse a network whose float32 parameters are more than the memory of this machine."""
    what = f"a network of family {config.model_type} and of these sizes"
    try:
        with torch.device("meta"):
            model = empty_model(config, head)
    except RuntimeError:  # more numbers than 64 bits count
        raise UserError(f"{what} is too large for any machine") from None
    if torch.get_default_device().type == "meta":  # nothing is to be computed with it
        return
    check_room(sum(parameter.numel() for parameter in model.parameters()), what)


def check_room(numbers: int, what: str) -> None:
    """Refuse so many new float32 numbers where they are more than the memory of this machine."""
    there = _memory()
    if there is not None and 4 * numbers > there:
        raise UserError(
            f"{what} needs {byte_size(4 * numbers)} for its parameters alone, and this machine has "
            f"{byte_size(there)} of memory; choose smaller ones"
        )


def _memory() -> int | None:
    """Bytes of memory in this machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
