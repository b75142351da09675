"""How every PNG here is created and written."""

import io
import warnings
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from headwater.files import replace_file

DPI = 100


def new_figure(width: float, height: float) -> Figure:
    """Create a figure; width and height are in inches.

    The figure is made as an object: pyplot would keep global state and may want a display.
    """
    figure = Figure(figsize=(width, height), layout="constrained", dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def write_png(figure: Figure, path: Path) -> None:
    """Write a picture, whole or not at all. A letter that the font lacks is drawn as a box."""
    drawn = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(drawn, format="png", dpi=DPI)
    replace_file(path, drawn.getvalue())
