"""What `torchrun` tells a process in its environment: its rank, and how many there are.

Imports no torch.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from headwater.errors import UserError, listed

_NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process stands among all of a job.

    local_rank: among those of its machine, by which it takes its GPU.
    on_one_machine: whether all processes are on this machine.
    restarts: how often `torchrun --max-restarts` has started the job again.
    """

    rank: int
    world: int
    local_rank: int
    on_one_machine: bool = True
    restarts: int = 0


class LostProcess(RuntimeError):
    """Another process of the job ended, or did not answer in time; told in one line."""


def place(environment: Mapping[str, str] = os.environ) -> Place | None:
    """Return the place that torchrun gave to this process; None without torchrun."""
    if not all(environment.get(name) for name in _NAMES):
        return None
    values = [environment[name] for name in _NAMES[:3]]
    values.append(environment.get("TORCHELASTIC_RESTART_COUNT", "0"))
    try:
        rank, world, local_rank, restarts = map(int, values)
        sensible = 0 <= local_rank <= rank < world and 0 < int(environment["MASTER_PORT"]) < 1 << 16
    except ValueError:
        sensible = False
    if not sensible:
        named = " ".join(f"{name}={environment[name]}" for name in _NAMES)
        raise UserError(f"{named}: not what torchrun sets; unset them, or start torchrun")
    here = environment.get("LOCAL_WORLD_SIZE", environment["WORLD_SIZE"])
    return Place(rank, world, local_rank, here == environment["WORLD_SIZE"], restarts)


def check_alone(environment: Mapping[str, str] = os.environ) -> None:
    """Refuse to work alone where others are said to be, but not all that torchrun says."""
    world = environment.get("WORLD_SIZE") or "1"
    missing = [name for name in _NAMES if not environment.get(name)]
    if world != "1" and missing:
        raise UserError(
            f"WORLD_SIZE={world} without {listed(missing)}: one process of several? "
            "start them with torchrun, or unset WORLD_SIZE"
        )
