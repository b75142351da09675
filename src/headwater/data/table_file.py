"""Rows of a table by column name: TSV, CSV, JSON lines and Parquet, each with its file and line.

GLUE's tables are not quoted CSV: a quotation mark is a character like any other, and a cell cannot
hold a tab or a line break. So a `.tsv` (or `.txt`) is cut at tabs alone; a `.csv` is read with
quotes, as RFC 4180 has it. A text file may have Windows line ends and a byte-order mark, and may be
gzipped.

    index<TAB>sentence                {"index": "0", "sentence": 'He said "no'}  at test.tsv, line 2
    0<TAB>He said "no

Fields of nested JSON in a cell are read with their type (`json_field`), or an error of one line.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from headwater.errors import MissingField, UserError
from headwater.files import parse_json, read_bytes, read_lines, read_text
from headwater.text_files import check_library, suffix_of

T = TypeVar("T", str, int, bool, list[Any], dict[str, Any])

_CALLED: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    float: "a number with a fraction",
    type(None): "null",
}

_TEXT_TABLES = (".tsv", ".txt", ".csv")
KINDS = (*_TEXT_TABLES, ".jsonl", ".parquet")


@dataclass(frozen=True, slots=True)
class Row:
    """A row's cells by column name: texts in TSV and CSV, any JSON or Parquet value else."""

    path: Path
    line: int
    cells: Mapping[str, Any]

    @property
    def where(self) -> str:
        """File and line, with which an error about it begins."""
        unit = {".parquet": "row", ".json": "record"}.get(self.path.suffix, "line")
        return f"{self.path}, {unit} {self.line}"

    @property
    def columns_where(self) -> str:
        """File and line where the columns are named: a table's header."""
        return f"{self.path}, line 1" if suffix_of(self.path) in _TEXT_TABLES else self.where

    def value(self, *columns: str) -> Any:
        """Return what stands in the first of the columns that the row has."""
        for name in columns:
            if name in self.cells:
                return self.cells[name]
        there = ", ".join(repr(str(name)) for name in self.cells)
        raise MissingField(
            f"{self.columns_where}: no column {' or '.join(columns)}; there are {there}"
        )

    def text(self, *columns: str) -> str:
        """Return the text in the first of the columns that the row has."""
        text = self.value(*columns)
        if not isinstance(text, str):
            name = next(name for name in columns if name in self.cells)
            raise UserError(f"{self.where}: {name!r} must be a text, not {text!r:.40}")
        return text

    def texts(self, column: str) -> tuple[str, ...]:
        """Return the texts of a cell that holds one or a list of them."""
        value = self.value(column)
        texts = value if isinstance(value, list) else [value]
        if not all(isinstance(text, str) for text in texts):
            raise UserError(
                f"{self.where}: {column!r} must be a text or a list of texts, not {value!r:.40}"
            )
        return tuple(texts)


@dataclass(frozen=True, slots=True)
class Headless:
    """The columns of files that may come without a header.

    A first line that holds one of the names in `mark` is a header all the same.
    """

    columns: tuple[str, ...]
    mark: str


def read_rows(
    path: Path, *, headless: Headless | None = None, short: list[str] | None = None
) -> Iterator[Row]:
    """Yield the rows of a file, whose kind its name says; lines count from 1, the header's too.

    Args:
        headless: what stands in the columns of a TSV file without a header.
        short: gets file and line of TSV rows with too few cells, which are left out; None: no row
            may be short.
    """
    kind = suffix_of(path)
    if kind in (".tsv", ".txt"):
        return _tsv(path, headless, short)
    if kind == ".csv":
        return _csv(path)
    if kind == ".jsonl":
        return _jsonl(path)
    if kind == ".parquet":
        return _parquet(path)
    if not path.exists():
        raise UserError(f"{path}: no such file")
    raise UserError(f"{path}: of no known kind; expected {', '.join(KINDS)}")


def _tsv(path: Path, headless: Headless | None, short: list[str] | None) -> Iterator[Row]:
    lines = read_lines(path)
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise UserError(f"{path}: empty; a table was expected")
    first = lines[0].split("\t")
    header: Sequence[str] = first
    start = 1
    if headless is not None and headless.mark not in first:
        header, start = headless.columns, 0
    _check_header(path, header)
    for number, line in enumerate(lines[start:], start + 1):
        cells = line.split("\t")
        if len(cells) < len(header) and short is not None:
            short.append(f"{path}, line {number}: {len(cells)} of {len(header)} columns")
            continue
        if len(cells) != len(header):
            _wrong_count(path, number, cells, header)
        yield Row(path, number, dict(zip(header, cells, strict=True)))


def _csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(2**31 - 1)  # a cell may be a document
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    header: Sequence[str] | None = None
    line = 1  # where the next row begins: a quoted cell may hold line breaks
    try:
        for cells in reader:
            if header is None:
                header = cells
                _check_header(path, header)
            elif cells and len(cells) != len(header):
                _wrong_count(path, line, cells, header)
            elif cells:
                yield Row(path, line, dict(zip(header, cells, strict=True)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}, line {line}: broken CSV ({error})") from None
    if header is None:
        raise UserError(f"{path}: empty; a table was expected")


def _jsonl(path: Path) -> Iterator[Row]:
    lines = read_lines(path)
    if not any(line.strip() for line in lines):
        raise UserError(f"{path}: empty; a JSON object on each line was expected")
    for number, line in enumerate(lines, 1):
        if line.strip():
            record = parse_json(line, f"{path}, line {number}")
            if not isinstance(record, dict):
                raise UserError(f"{path}, line {number}: a JSON object was expected")
            yield Row(path, number, record)


def _parquet(path: Path) -> Iterator[Row]:
    check_library(path)
    import pyarrow
    from pyarrow import parquet

    content = read_bytes(path)  # whole: its errors are those of any other file
    try:
        table = parquet.ParquetFile(pyarrow.BufferReader(content))
        number = 0
        for batch in table.iter_batches():
            for record in batch.to_pylist():
                number += 1
                yield Row(path, number, record)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).split("\n")[0]
        raise UserError(f"{path}: not a whole Parquet file ({reason})") from None


def _check_header(path: Path, header: Sequence[str]) -> None:
    twice = [name for index, name in enumerate(header) if name in header[:index]]
    if twice:
        raise UserError(f"{path}, line 1: two columns are called {twice[0]!r}; names must differ")


def _wrong_count(path: Path, line: int, cells: Sequence[str], header: Sequence[str]) -> None:
    found = "nothing" if list(cells) == [""] else f"{len(cells)} columns"
    raise UserError(
        f"{path}, line {line}: {found}, but {len(header)} were expected ({', '.join(header)})"
    )


def json_objects(
    record: Mapping[str, Any], name: str, where: str, separator: str = "."
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each object of the list `record[name]` and where it stands."""
    for index, item in enumerate(json_field(record, name, list, where)):
        at = f"{where}{separator}{name}[{index}]"
        yield json_value(item, dict, at, "an element"), at


def json_field(record: Any, name: str, kind: type[T], where: str) -> T:
    """Return `record[name]`."""
    if not isinstance(record, Mapping) or name not in record:
        raise MissingField(f"{where}: '{name}' is missing; {_CALLED[kind]} was expected")
    return json_value(record[name], kind, where, f"'{name}'")


def json_text(record: Any, name: str, where: str) -> str:
    """Return `record[name]` as a text; a whole number is its decimal text, as of an id."""
    if isinstance(record, Mapping) and type(record.get(name)) is int:
        return str(record[name])
    return json_field(record, name, str, where)


def json_value(value: Any, kind: type[T], where: str, what: str) -> T:
    """Return the value, which is called `what` in an error."""
    if type(value) is not kind:  # exact, since Python's True is an int
        found = _CALLED.get(type(value), type(value).__name__)
        raise UserError(f"{where}: {what} must be {_CALLED[kind]}, not {found}")
    return value
