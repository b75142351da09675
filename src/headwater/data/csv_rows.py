"""Rows of a CSV or TSV file whose delimiter and quotes are known, each with its line."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from headwater.errors import UserError
from headwater.streams import LONGEST, read_stream

Numbered = tuple[int, list[str]]  # the line on which a row begins, and its cells


def csv_rows(
    path: Path, delimiter: str, quote: str, escape: str | None, skipped: int = 0
) -> Iterator[Numbered]:
    """Yield the rows, the header's too.

    Args:
        quote: what stands around cells; nothing: every mark is a letter.
        escape: what stands before a mark that is meant as a letter.
        skipped: lines at the start that are no rows.
    """
    lines = islice(read_stream(path), skipped, None)
    if quote or escape:
        return _parsed(path, lines, delimiter, quote, escape, skipped + 1)
    return _split(lines, delimiter, skipped + 1)


def _split(lines: Iterator[str], delimiter: str, first: int) -> Iterator[Numbered]:
    """Cut lines at each delimiter; empty lines at the end are no rows."""
    empty = []
    for number, line in enumerate(lines, first):
        text = line.removesuffix("\n").removesuffix("\r")
        if not text:
            empty.append(number)
            continue
        if empty:
            yield from ((blank, [""]) for blank in empty)
            empty.clear()
        yield number, text.split(delimiter)


def _parsed(
    path: Path, lines: Iterator[str], delimiter: str, quote: str, escape: str | None, line: int
) -> Iterator[Numbered]:
    """Read quoted cells, which may hold line breaks; empty lines are no rows."""
    csv.field_size_limit(LONGEST)
    before = line - 1
    reader = csv.reader(
        (part for text in lines for part in io.StringIO(text, newline="")),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        escapechar=escape,
        strict=True,
    )
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = before + reader.line_num + 1
    except csv.Error as error:
        advice = ' or the quotes are letters: csv = { quote = "" }'
        raise UserError(f"{path}, line {line}: broken CSV ({error});{advice}") from None
