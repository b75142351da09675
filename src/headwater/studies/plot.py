"""A study as a picture: curves where the columns are numbers, else points side by side.

Every point is a mean over seeds, with the sample deviation as a bar.
"""

from pathlib import Path

from matplotlib.axes import Axes

from headwater.pictures.figure import new_figure, write_png
from headwater.studies.results_table import Table


def draw(table: Table, title: str, across: str, path: Path) -> None:
    """Write a PNG of the measured columns; those derived from them are left to the table.

    Args:
        across: what the columns are.
    """
    columns = list(dict.fromkeys(each.column for each in table.results))
    numbers = [_number(column) for column in columns]
    figure = new_figure(9, 5)
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.grid(alpha=0.3)
    if len(columns) > 1 and all(number is not None for number in numbers):
        _curves(axes, table, columns, [number or 0.0 for number in numbers])
        axes.set_xlabel(across)
        axes.set_ylabel("score")
        axes.legend(fontsize="small")
    else:
        _points(axes, table, columns)
        axes.set_xlabel("score")
        axes.legend(title=across, fontsize="small")
    write_png(figure, path)


def _curves(axes: Axes, table: Table, columns: list[str], numbers: list[float]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(numbers, columns)
    axes.minorticks_off()
    for setting in table.settings:
        cells = [(x, table.cell(setting, name)) for x, name in zip(numbers, columns, strict=True)]
        kept = [(x, cell) for x, cell in cells if cell is not None]
        axes.errorbar(
            [x for x, _ in kept],
            [cell.mean for _, cell in kept],
            [cell.deviation or 0.0 for _, cell in kept],
            marker="o",
            capsize=3,
            label=setting,
        )


def _points(axes: Axes, table: Table, columns: list[str]) -> None:
    settings = table.settings
    axes.set_yticks(range(len(settings)), settings)
    axes.invert_yaxis()
    for index, column in enumerate(columns):
        shift = 0.25 * (index / max(1, len(columns) - 1) - 0.5)
        cells = [(y, table.cell(name, column)) for y, name in enumerate(settings)]
        kept = [(y, cell) for y, cell in cells if cell is not None]
        axes.errorbar(
            [cell.mean for _, cell in kept],
            [y + shift for y, _ in kept],
            xerr=[cell.deviation or 0.0 for _, cell in kept],
            fmt="o",
            capsize=3,
            label=column,
        )


def _number(column: str) -> float | None:
    try:
        return float(column.replace(",", ""))
    except ValueError:
        return None
