"""Whether the quotes of a TSV file are letters, or stand around cells that need them.

He said "no"          letters, as in GLUE's files
"The ""new"" lamp"    around a cell, as pandas and R write it
"""

import logging
from pathlib import Path

from headwater.data.csv_rows import csv_rows
from headwater.errors import UserError
from headwater.streams import read_stream

logger = logging.getLogger(__name__)


def is_quoted(path: Path, delimiter: str) -> bool:
    """Whether a file whose name says nothing of quotes has them around cells that need them."""
    columns = marks = 0
    some, all_fit, header = False, True, False
    for number, line in enumerate(read_stream(path)):
        cells = line.rstrip("\r\n").split(delimiter)
        quoted = sum(cell.startswith('"') for cell in cells)
        if number == 0:
            columns = len(cells)
            header = quoted == columns
        some = some or quoted > 0
        all_fit = all_fit and (len(cells) == columns or cells == [""])
        marks += line.count('"')
    if not some:
        return False
    try:
        for _, cells in csv_rows(path, delimiter, '"', None):
            if len(cells) != columns:
                return False
            marks -= sum(_marks(cell, delimiter) for cell in cells)
    except UserError:
        return False
    found = marks == 0 or header or not all_fit  # if neither, quotes may be letters as well
    if found:
        logger.info(f"{path}: read as quoted cells, as pandas writes them")
    return found


def _marks(cell: str, delimiter: str) -> int:
    """Return how many quotes a cell is written with, if it has them only where it needs them."""
    needed = any(mark in cell for mark in (delimiter, '"', "\n", "\r"))
    return 2 + 2 * cell.count('"') if needed else 0
