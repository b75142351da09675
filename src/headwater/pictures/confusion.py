"""The confusion matrix: which class is taken for which."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headwater.pictures.figure import new_figure, write_png

_MOST_NUMBERS = 30  # classes, beyond which the numbers in the squares cannot be read
_NO_LABEL = "no label"


def draw_confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str], picture: Path) -> None:
    """Draw a square for each gold label (rows) and predicted one (columns), dark by its share.

    Args:
        matrix: as `metrics.classes.confusion` counts it; its last column is drawn where it counts
            anything.
    """
    counts = np.asarray(matrix)
    columns = [*labels, _NO_LABEL] if counts[:, -1].any() else list(labels)
    counts = counts[:, : len(columns)]
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    side = min(30.0, max(4.0, 1.5 + 0.5 * len(columns)))
    figure = new_figure(side, side)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.set_yticks(range(len(labels)), list(labels))
    axes.set(xlabel="predicted", ylabel="gold")
    if len(labels) <= _MOST_NUMBERS:
        for row, column in np.argwhere(counts):
            color = "white" if shares[row, column] > 0.5 else "black"
            number = str(counts[row, column])
            axes.text(column, row, number, ha="center", va="center", color=color, fontsize="small")
    write_png(figure, picture)
