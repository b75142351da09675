"""The texts that a verb is given, and how it prints what a model says of each.

TEXT    one text: rows for a person, or with --json one object
-       standard input, one text per line: each with its rows below it, or an object a line
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from headwater.commands.terminal import echo, print_json
from headwater.errors import UserError
from headwater.escapes import visible
from headwater.streams import decode_text

TOGETHER = 1024  # lines that are read before the first is answered

Item = TypeVar("Item")
Said = TypeVar("Said")


def standard_input() -> Iterator[str]:
    """Yield the lines of standard input, none of which may be empty."""
    if sys.stdin is None:
        raise UserError("standard input: closed; one text per line was expected")
    number = 0
    for number, line in enumerate(sys.stdin.buffer, start=1):
        text = decode_text(line.rstrip(b"\r\n"), "standard input", number)
        if not text.strip():
            raise UserError(f"standard input, line {number}: empty; one text per line was expected")
        yield text
    if not number:
        raise UserError("standard input: empty; one text per line was expected")


def tell(
    items: Iterable[Item] | None,
    lines: Callable[[str], Item],
    ask: Callable[[list[Item]], Sequence[Said]],
    show: Callable[[Item, Said, bool], None],
) -> None:
    """Ask about the items, or about each line of standard input, and show what is said, in order.

    Args:
        items: None: standard input.
        lines: makes an item of a line.
        ask: what the model says of several items.
        show: prints one; true where it is one of several.
    """
    if items is not None:
        given = list(items)
        for item, said in zip(given, ask(given), strict=True):
            show(item, said, False)
        return
    ask([])  # what the model cannot do is no fault of a line
    read = map(lines, standard_input())
    begin = 1
    while chunk := list(islice(read, TOGETHER)):
        for item, said in zip(chunk, _asked(chunk, ask, begin), strict=True):
            show(item, said, True)
        begin += len(chunk)


def _asked(
    chunk: list[Item], ask: Callable[[list[Item]], Sequence[Said]], begin: int
) -> Sequence[Said]:
    """Ask about lines together; an error names the line, which asking one by one finds."""
    try:
        return ask(chunk)
    except UserError:
        for number, item in enumerate(chunk, start=begin):
            try:
                ask([item])
            except UserError as error:
                raise UserError(f"standard input, line {number}: {error}") from None
        raise


def print_said(content: dict[str, Any], several: bool) -> None:
    """Print JSON: an object, or of several one on a line."""
    print_json(content, None if several else 2)


def print_rows(text: str, rows: Sequence[Sequence[str]], several: bool) -> None:
    """Print aligned rows; of several texts below the text, and a blank line after."""
    from rich.cells import cell_len, set_cell_size

    indent = "  " if several else ""
    if several:
        echo(text)
    shown = [[visible(" ".join(cell.split())) for cell in row] for row in rows]
    wide = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (set_cell_size(cell, width) for cell, width in zip(row, wide, strict=True))
        echo(indent + "  ".join(cells).rstrip())
    if several:
        echo()
