"""How a training run ended."""

from dataclasses import dataclass, field
from typing import Literal

from headwater.signals import Reason as Interrupted

Reason = Literal["finished", "early_stop"] | Interrupted


@dataclass(frozen=True, slots=True)
class Outcome:
    """`best_step` is set where there were evaluations.

    peak_memory: the most bytes that its process took, where the system tells.
    trained_parameters, parameters: how many numbers train at any time, and how many there are.
    """

    reason: Reason
    step: int
    total: int
    best_step: int | None = None
    best_value: float | None = None
    already_finished: bool = False
    peak_memory: int | None = field(default=None, compare=False)
    trained_parameters: int | None = None
    parameters: int | None = None

    @property
    def signalled(self) -> bool:
        """Whether a signal stopped it; its state is saved."""
        return self.reason in ("sigterm", "sigint")
