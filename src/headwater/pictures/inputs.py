"""What a model adds up at each position, drawn as figure 2 of the BERT paper (Devlin et al. 2019).

input      [CLS]    my     dog   [SEP]        a box for each token
token      E101   E2026   E3899   E102
             +      +       +       +
segment     EA     EA      EA      EA
             +      +       +       +
position    E0     E1      E2      E3
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from headwater.pictures.figure import new_figure, write_png
from headwater.pictures.page import Columns, Highlight, Page, TextSpan, printable

# The labels that a model looks up vectors for and adds; the others are text.
_VECTORS = {"id": "token", "segment": "segment", "position": "position"}
_COLORS = {"id": "#fdf3b0", "segment": "#cdebc5", "position": "#ffffff"}
_TEXTS: dict[Highlight, str] = {
    "special": "#eeeeee",
    "second": "#cfe3fb",
    "masked": "#f5a5a5",
    "sentinel": "#c3eef5",
}
_PLAIN = "#f9d5dc"

_WIDTH = 10.0  # inches, of a line of boxes with its labels
_MARGIN = 1.0
_LETTER = 0.085  # inches, of the font below
_BOX, _STEP, _LINE = 0.3, 0.46, 0.35  # heights: a box, a row with what follows it, between lines


def draw_inputs(page: Page, picture: Path) -> None:
    """Draw the columns of a page as a PNG, wrapped to lines of boxes."""
    elements = [element for element in page.elements if isinstance(element, Columns)]
    lines = [(element, indices) for element in elements for indices in _wrapped(element)]
    height = sum(len(element.labels) * _STEP + _LINE for element, _ in lines)
    figure = new_figure(_WIDTH, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, _WIDTH)
    axes.set_ylim(-height, 0)
    axes.axis("off")
    top = _LINE / 2
    for element, indices in lines:
        _draw_line(axes, element, indices, top)
        top += len(element.labels) * _STEP + _LINE
    write_png(figure, picture)


def _width(column: Sequence[TextSpan]) -> float:
    # A vector is drawn with its name as a subscript, which is smaller.
    longest = max(len(printable(span.text)) for span in column)
    return max(0.45, 0.16 + longest * _LETTER)


def _wrapped(element: Columns) -> list[list[int]]:
    """Return the indices of the columns of each line."""
    lines: list[list[int]] = []
    room = 0.0
    for index, column in enumerate(element.columns):
        needed = _width(column) + 0.1
        if not lines or needed > room:
            lines.append([])
            room = _WIDTH - _MARGIN
        lines[-1].append(index)
        room -= needed
    return lines


def _draw_line(axes: Axes, element: Columns, indices: Sequence[int], top: float) -> None:
    middles = [-(top + row * _STEP + _BOX / 2) for row in range(len(element.labels))]
    for label, middle in zip(element.labels, middles, strict=True):
        axes.text(0.1, middle, _VECTORS.get(label, label), va="center", color="#777777", fontsize=9)
    left = _MARGIN
    for index in indices:
        width = _width(element.columns[index])
        for row, span in enumerate(element.columns[index]):
            label = element.labels[row]
            added = row > 0 and label in _VECTORS and element.labels[row - 1] in _VECTORS
            if added:
                between = (middles[row] + middles[row - 1]) / 2
                axes.text(left + width / 2, between, "+", ha="center", va="center", fontsize=7)
            if span.text:
                _draw_box(axes, span, label, (left, middles[row] - _BOX / 2), width)
        left += width + 0.1


def _draw_box(
    axes: Axes, span: TextSpan, label: str, corner: tuple[float, float], width: float
) -> None:
    color = _COLORS.get(label) or _TEXTS.get(span.highlight, _PLAIN)
    box = FancyBboxPatch(
        corner,
        width,
        _BOX,
        boxstyle="round,pad=0,rounding_size=0.06",
        facecolor=color,
        edgecolor="#888888",
        linewidth=0.6,
    )
    axes.add_patch(box)
    vector = label in _VECTORS  # then it is a number or a letter, and no text of the user's
    axes.text(
        corner[0] + width / 2,
        corner[1] + _BOX / 2,
        f"$E_{{{span.text}}}$" if vector else printable(span.text),
        ha="center",
        va="center",
        fontsize=10 if vector else 9,
        family="sans-serif" if vector else "monospace",
        parse_math=vector,
    )
