"""What a run measured, as it stands in JSON; everything shown is computed from it."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks.harness.machine import FORMATS


@dataclass(frozen=True)
class Result:
    """One work.

    values: by side, one of each turn, the first side ours. facts: what each side told.
    rates: operations per second by number format, one of each turn. operations: of one item.
    absent: why a side is missing, by side. seconds: how long all of it took.
    """

    name: str
    title: str
    unit: str
    lower: bool
    values: dict[str, list[float]]
    facts: dict[str, dict[str, float]] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)
    operations: float | None = None
    absent: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ours(self) -> str:
        return next(iter(self.values))

    @property
    def peers(self) -> list[str]:
        return list(self.values)[1:]

    def median(self, side: str) -> float:
        """Return the median of a side's turns."""
        return statistics.median(self.values[side])

    def ratios(self, peer: str) -> list[float]:
        """Return how many times as good as a peer ours was, turn by turn; above 1 is better."""
        pairs = zip(self.values[self.ours], self.values[peer], strict=True)
        return [peer / ours if self.lower else ours / peer for ours, peer in pairs]

    def limit(self, dtype: str) -> float | None:
        """Return the items per second if all operations ran at the measured rate."""
        if not self.operations or dtype not in self.rates:
            return None
        return statistics.median(self.rates[dtype]) / self.operations

    def share(self) -> float | None:
        """Return which part of the highest limit ours reaches."""
        limits = [limit for dtype in FORMATS if (limit := self.limit(dtype)) is not None]
        return self.median(self.ours) / max(limits) if limits else None


@dataclass(frozen=True)
class Report:
    """One run."""

    commit: str
    date: str
    command: str
    turns: int
    processor: str
    threads: int
    versions: dict[str, str]
    works: list[Result]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**found, "works": [Result(**each) for each in found["works"]]})

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the first quartile, the median and the third."""
    if len(values) == 1:
        return (values[0],) * 3
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
