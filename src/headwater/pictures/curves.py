"""A run's curves as a picture: loss, learning rate, gradient norm, evaluations over the steps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from headwater.pictures.figure import new_figure, write_png

Line = Mapping[str, Any]


def draw_curves(lines: Sequence[Line], picture: Path) -> None:
    """Draw the lines of a log as a PNG; without training lines the frames stay empty."""
    training = [line for line in lines if "loss" in line]
    evaluations = [line for line in lines if isinstance(line.get("evaluation"), dict)]
    panels = ["loss", "learning_rate", "gradient_norm"] + ["evaluation"] * bool(evaluations)
    rows = (len(panels) + 1) // 2
    figure = new_figure(10, 3 * rows)
    for index, panel in enumerate(panels):
        axes = figure.add_subplot(rows, 2, index + 1)
        axes.set_title(panel.replace("_", " "))
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        if panel == "evaluation":
            _draw_evaluations(axes, evaluations)
        else:
            axes.plot(
                [line["step"] for line in training], [_number(t.get(panel)) for t in training]
            )
    write_png(figure, picture)


def _draw_evaluations(axes: Axes, lines: Sequence[Line]) -> None:
    names = dict.fromkeys(name for line in lines for name in line["evaluation"])
    if "loss" in names:  # perplexity is e to its power: beside hundreds, a loss of 6 looks flat
        names.pop("perplexity", None)
    for name in names:
        points = [(line["step"], line["evaluation"].get(name)) for line in lines]
        steps = [step for step, _ in points]
        axes.plot(steps, [_number(value) for _, value in points], marker="o", label=name)
    axes.legend(fontsize="small")


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else float("nan")
