"""What the training loop asks of its caller, and how it ends.

Each hook does nothing unless it is written anew.

class Measured(Hooks):
    metric_names = ("accuracy",)

    def evaluate(self, model):
        return {"accuracy": ...}
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from torch import nn

from headwater.signals import Reason as Interrupted
from headwater.training.identity import Identity


class Hooks:
    """The caller's part of a run. As it stands here nothing is measured and no model written."""

    @property
    def identity(self) -> Identity:
        """What must be the same when resuming; data and training settings are compared anyway."""
        return {}

    @property
    def metric_names(self) -> Sequence[str]:
        """What `evaluate` gives, the main metric first; empty where nothing is measured."""
        return ()

    @property
    def followed_metrics(self) -> Sequence[str]:
        """Metrics of which the highest's weights are kept besides, in `best/METRIC`."""
        return ()

    @property
    def whole_batches(self) -> bool:
        """Whether the sequences of a batch are compared, so that no batch may be cut."""
        return False

    @property
    def padding_counts(self) -> bool:
        """Whether a loss looks at padding, too, so that what is cut keeps its batch's width."""
        return False

    def excluded_parameters(self, model: nn.Module) -> Collection[str]:
        """Name parameters that never change and can be had again: states leave them out."""
        return ()

    def on_begin(self, folder: Path) -> None:
        """Called before the first step, once the run folder is known to be free for it."""

    def before_step(self, model: nn.Module, step: int, total: int) -> None:
        """Called before a step, counted from 1; may change which parameters need a gradient."""

    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """Return metrics of the model, in evaluation mode, without gradients."""
        return {}

    def save_model(self, folder: Path) -> None:
        """Write the model that is trained to a folder."""

    def on_end(self, folder: Path) -> None:
        """Called when model and log are whole, before the run is marked as ended."""


Reason = Literal["finished", "early_stop"] | Interrupted


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    reason: why it did.
    step: the last step that it took.
    total: the steps of its schedule.
    best_step: the step whose weights are the best; None where nothing was evaluated.
    best_value: the metric of these.
    already_finished: whether it had ended before, and took no step now.
    peak_memory: the most bytes that its process took, where the system tells.
    trained_parameters: how many numbers train at any time.
    parameters: how many numbers there are.
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
