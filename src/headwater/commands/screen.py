"""A page on a terminal: with colors where there are any, else brackets around marked text.

inputs    my dog is [MASK] and ~apple~ barks
"""

from collections.abc import Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from headwater.pictures.page import (
    Columns,
    Element,
    Heading,
    Highlight,
    Line,
    Page,
    Table,
    TextSpan,
    printable,
)

_STYLES: dict[Highlight, str] = {
    "plain": "",
    "special": "dim",
    "noise": "bold red",
    "masked": "bold red",
    "random": "bold magenta",
    "kept": "bold yellow",
    "sentinel": "bold cyan",
    "prefix": "blue",
    "answer": "bold green",
    "second": "blue",
}
# A mask and a sentinel are seen without a color.
_BRACKETS: dict[Highlight, tuple[str, str]] = {
    "noise": ("{", "}"),
    "random": ("~", "~"),
    "kept": ("=", "="),
    "prefix": ("<", ">"),
    "answer": ("[", "]"),
}
_GAP = 2  # between columns


def show(page: Page, console: Console | None = None) -> None:
    """Print a page; `console` is standard output where none is given."""
    # A line of a file or pipe is as long as it must be: only a person needs it folded.
    console = console or Console(highlight=False)
    colored = console.color_system is not None
    console.print(Text(printable(page.title), style="bold"), soft_wrap=True)
    for lines, elements in groupby(page.elements, key=lambda element: isinstance(element, Line)):
        if lines:
            _show_lines(
                [element for element in elements if isinstance(element, Line)], console, colored
            )
            continue
        for element in elements:
            _show(element, console, colored)
    meanings = [
        _text((TextSpan(meaning, highlight),), colored)
        for highlight, meaning in page.meanings()
        if colored or highlight in _BRACKETS
    ]
    if meanings:
        console.print()
        _print(Text("   ").join(meanings), console, colored)


def _show(element: Element, console: Console, colored: bool) -> None:
    console.print()
    if isinstance(element, Heading):
        console.print(Text(printable(element.text), style="bold"), soft_wrap=True)
    elif isinstance(element, Table):
        grid = Grid(box=None, pad_edge=False, header_style="dim")
        for name in element.names:
            grid.add_column(Text(name), overflow="fold")
        for row in element.rows:
            grid.add_row(*(_text((span,), colored) for span in row))
        _print(grid, console, colored)
    elif isinstance(element, Columns):
        _show_columns(element, console)


def _show_lines(lines: Sequence[Line], console: Console, colored: bool) -> None:
    """Print lines with their labels in one column, so that long ones stay to the right of it."""
    grid = Grid.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(no_wrap=True, min_width=9)
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(Text(line.label, style="dim"), _text(line.spans, colored))
    _print(grid, console, colored)


def _print(shown: Grid | Text, console: Console, colored: bool) -> None:
    """Print what is folded to lines; in a file or a pipe without the spaces that fill them."""
    if colored:
        console.print(shown)
        return
    with console.capture() as captured:
        console.print(shown)
    for line in captured.get().splitlines():
        console.print(Text(line.rstrip(" ")), soft_wrap=True)


def _show_columns(element: Columns, console: Console) -> None:
    """Print as many columns side by side as fit, then the next ones below."""
    margin = max(map(len, element.labels)) + _GAP
    widths = [max(cell_len(printable(span.text)) for span in column) for column in element.columns]
    begin = 0
    while begin < len(widths):
        end, room = begin + 1, console.width - margin - widths[begin]
        while end < len(widths) and room >= widths[end] + _GAP:
            room -= widths[end] + _GAP
            end += 1
        if begin:
            console.print()
        for index, label in enumerate(element.labels):
            line = Text(label.ljust(margin), style="dim")
            for column, width in zip(element.columns[begin:end], widths[begin:end], strict=True):
                span = column[index]
                text = printable(span.text)
                padded = text + " " * (width + _GAP - cell_len(text))
                line.append_text(Text(padded, style=_STYLES[span.highlight]))
            line.rstrip()
            console.print(line, soft_wrap=True)
        begin = end


def _text(spans: Sequence[TextSpan], colored: bool) -> Text:
    """Join runs, each in its color, or between its brackets."""
    joined = Text()
    for span in spans:
        text = printable(span.text)
        if not colored and span.highlight in _BRACKETS:
            bare = text.lstrip(" ")  # the space before a word stays outside
            before, after = _BRACKETS[span.highlight]
            text = f"{text[: len(text) - len(bare)]}{before}{bare}{after}"
        joined.append(text, style=_STYLES[span.highlight])
    return joined
