"""Where a run stands: a few numbers that JSON carries exactly. Imports no torch."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(slots=True)
class RunningStatistics:
    """Sums over some steps. Floats survive JSON to the bit, so a resumed mean is the same mean."""

    steps: int = 0
    examples: int = 0
    tokens: int = 0
    cells: int = 0
    """Tokens with their padding."""
    norm: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    """Of each loss, the share that it has in the steps: their number, if it is in all of them."""

    def add(
        self,
        examples: int,
        tokens: int,
        cells: int,
        norm: float,
        losses: dict[str, float],
        shares: dict[str, float],
    ) -> None:
        """Count one step."""
        self.steps += 1
        self.examples += examples
        self.tokens += tokens
        self.cells += cells
        self.norm += norm
        for name, value in losses.items():
            self.losses[name] = self.losses.get(name, 0.0) + value
            self.shares[name] = self.shares.get(name, 0.0) + shares[name]

    @property
    def loss(self) -> float:
        """The mean loss of a step."""
        return sum(self.losses.values()) / self.steps

    @property
    def means(self) -> dict[str, float]:
        """The mean of each loss where it was asked for."""
        asked = {name: share for name, share in self.shares.items() if share}
        return {name: self.losses[name] / share for name, share in asked.items()}

    @property
    def padding(self) -> float:
        """The share of the cells that is padding."""
        return 1.0 - self.tokens / self.cells if self.cells else 0.0


@dataclass(slots=True)
class Place:
    """The place in the data and in the schedule, and what the evaluations said so far."""

    step: int = 0
    epoch: int = 0
    position: int = 0
    """Steps done in this epoch."""
    seconds: float = 0.0
    processor_seconds: float = 0.0
    """Of all threads of the process: other work on the machine does not lengthen them."""
    run: RunningStatistics = field(default_factory=RunningStatistics)
    epoch_tally: RunningStatistics = field(default_factory=RunningStatistics)
    window: RunningStatistics = field(default_factory=RunningStatistics)
    """Since the last line of the log."""
    evaluated: int = 0
    """The last step that was evaluated."""
    best_step: int | None = None
    best_value: float | None = None
    bests: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Step and value of the best evaluation by each metric that is followed besides."""
    stale: int = 0
    """Evaluations since the best one."""
    scaler: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        tallies = {
            name: RunningStatistics(**values[name]) for name in ("run", "epoch_tally", "window")
        }
        bests = {name: (int(step), float(value)) for name, (step, value) in values["bests"].items()}
        return cls(**{**values, **tallies, "bests": bests})


def best_steps(place: dict[str, Any]) -> set[int]:
    """Return the steps whose weights a place (as JSON) needs beside its own."""
    steps = {int(step) for step, _ in place["bests"].values()}
    return steps if place["best_step"] is None else steps | {int(place["best_step"])}
