"""Several sides take turns in one run, so that what else the machine does falls on all alike."""

import statistics
import time
from collections.abc import Callable, Mapping

Side = Callable[[], int]
"""Do the work once; return how many items it was."""


def take_turns(sides: Mapping[str, Side], turns: int) -> dict[str, list[float]]:
    """Run every side once a turn; return the items per second of each turn, by side."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(turns):
        for name, run in sides.items():
            begin = time.perf_counter()
            count = run()
            rates[name].append(count / (time.perf_counter() - begin))
    return rates


def print_ratios(rates: Mapping[str, list[float]], base: str, unit: str) -> None:
    """Print the median rate of each side, and how many times as fast `base` was in each turn."""
    for name, values in rates.items():
        ratios = sorted(ours / theirs for ours, theirs in zip(rates[base], values, strict=True))
        print(
            f"{name:28s} {statistics.median(values):8.2f} {unit}/s   {base} / this "
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )
