"""How a CSV or TSV file is written: what separates its cells, and how they are quoted.

    text;label             the delimiter is the one whose header has the wanted columns
    sep=;                  or the one that a first line names, as Excel writes it
    "Say ""no"" to it"     in .tsv quotes are letters, unless the whole file is quoted as by pandas

What is found is said, unless it is what the file's name says. A task of your own may say it
instead: `csv = { delimiter = ";" }`.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from headwater.config import Config
from headwater.data.csv_quotes import is_quoted
from headwater.data.csv_rows import Numbered, csv_rows
from headwater.errors import UserError
from headwater.streams import read_stream
from headwater.text_files import suffix_of

logger = logging.getLogger(__name__)

_DELIMITERS = (",", "\t", ";", "|")
_EXCEL = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


class CsvForm(Config):
    """How CSV and TSV files are written; what is left out is as each file is found to be.

    delimiter: what parts the cells: one character.
    quote: what stands around a cell; "": quotation marks are letters.
    escape: what stands before a quote inside of a cell.
    decimal: the mark of fractions.
    """

    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    quote: str | None = Field(default=None, max_length=1)
    escape: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[".", ","] | None = None

    @model_validator(mode="after")
    def _differ(self) -> "CsvForm":
        marks = [each for each in (self.delimiter, self.quote, self.escape) if each]
        if len(set(marks)) < len(marks) or {"\n", "\r"} & set(marks):
            raise ValueError("delimiter, quote and escape must differ, and be no line ends")
        return self


def numbered_rows(
    path: Path, form: CsvForm | None, wanted: Sequence[Sequence[str]]
) -> Iterator[Numbered]:
    """Yield the rows of a file, its header first.

    Args:
        form: None for the files of a benchmark: in their .tsv, quotes are letters always.
        wanted: the columns to be read, each by the names that it may have.
    """
    official, form = form is None, form or CsvForm()
    first = next(read_stream(path), "")
    excel = _EXCEL.fullmatch(first)
    skipped = 1 if excel else 0
    delimiter = form.delimiter or (excel[1] if excel else _delimiter(path, form, wanted))
    quote = form.quote
    if quote is None:
        plain = suffix_of(path) != ".csv" and (official or not is_quoted(path, delimiter))
        quote = "" if plain else '"'
    return csv_rows(path, delimiter, quote, form.escape, skipped)


def _delimiter(path: Path, form: CsvForm, wanted: Sequence[Sequence[str]]) -> str:
    """Return the delimiter whose header has most of the wanted columns."""
    usual = "," if suffix_of(path) == ".csv" else "\t"

    def found(delimiter: str) -> int:
        quote = '"' if form.quote is None else form.quote
        if quote == delimiter or form.escape == delimiter:
            return 0
        try:
            header = next(csv_rows(path, delimiter, quote, form.escape), (1, [""]))[1]
        except UserError:
            return 0
        names = set(header)
        return sum(any(name in names for name in each) for each in wanted)

    if found(usual) == len(wanted):
        return usual
    best = max((usual, *_DELIMITERS), key=found)
    if best != usual:
        logger.info(f"{path}: the delimiter is {best!r}")
    return best
