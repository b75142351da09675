"""The reliability diagram: the share of right answers by score (Guo et al. 2017, figure 1)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from headwater.pictures.figure import new_figure, write_png


class Bin(Protocol):
    """Answers with like scores."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def answers(self) -> int: ...
    @property
    def score(self) -> float: ...
    @property
    def right(self) -> float: ...


def draw_reliability(bins: Sequence[Bin], error: float, picture: Path) -> None:
    """Draw a bar for each bin that has answers, with their number, and the line of equality."""
    filled = [each for each in bins if each.answers]
    figure = new_figure(5, 5)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], linestyle="--", color="gray", label="calibrated")
    middles = [(each.low + each.high) / 2 for each in filled]
    widths = [(each.high - each.low) * 0.9 for each in filled]
    axes.bar(middles, [each.right for each in filled], widths, alpha=0.6, label="share right")
    axes.plot([each.score for each in filled], [each.right for each in filled], "o", color="black")
    for middle, each in zip(middles, filled, strict=True):
        axes.annotate(str(each.answers), (middle, 0.01), ha="center", fontsize="small")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="score", ylabel="share right")
    axes.set_title(f"expected calibration error {error:.3f}")
    axes.legend(loc="upper left", fontsize="small")
    write_png(figure, picture)
