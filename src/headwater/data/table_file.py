"""Rows of a table by column name: TSV, CSV, JSON and Parquet, each with its file and line.

GLUE's tables are not quoted CSV: a quotation mark is a character like any other, and a cell cannot
hold a tab or a line break. So a `.tsv` (or `.txt`) is cut at tabs alone; a `.csv` is read with
quotes, as RFC 4180 has it. Other delimiters and quotes are found (`csv_form`). A text file may have
Windows line ends and a byte-order mark, and may be gzipped.

    index<TAB>sentence                {"index": "0", "sentence": 'He said "no'}  at test.tsv, line 2
    0<TAB>He said "no

A `.jsonl` file has an object on each line. A `.json` file may have that too, or one list of
objects, alone or in `data`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from headwater.data.csv_form import CsvForm, numbered_rows
from headwater.data.parquet_file import read_parquet
from headwater.data.row import TEXT_TABLES, Row
from headwater.errors import UserError, counted, listed
from headwater.files import LARGE, parse_json, read_json
from headwater.streams import check_held, read_stream
from headwater.text_files import suffix_of

KINDS = (*TEXT_TABLES, ".jsonl", ".json", ".parquet")


@dataclass(frozen=True, slots=True)
class Headless:
    """The columns of files that may come without a header.

    A first line that holds one of the names in `mark` is a header all the same.
    """

    columns: tuple[str, ...]
    mark: str


def read_rows(
    path: Path,
    *,
    form: CsvForm | None = None,
    wanted: Sequence[Sequence[str]] = (),
    headless: Headless | None = None,
    short: list[str] | None = None,
) -> Iterator[Row]:
    """Yield the rows of a file, whose kind its name says; lines count from 1, the header's too.

    Args:
        form: how a CSV or TSV file is written; None: as those of benchmarks are.
        wanted: the columns to be read, each by the names it may have: they tell the delimiter.
        headless: what stands in the columns of a TSV file without a header.
        short: gets file and line of TSV rows with too few cells, which are left out; None: no row
            may be short.
    """
    kind = suffix_of(path)
    check_held(path)
    if kind in TEXT_TABLES:
        return _text_table(path, numbered_rows(path, form, wanted), headless, short)
    if kind in (".jsonl", ".json"):
        return _json(path)
    if kind == ".parquet":
        return read_parquet(path)
    if not path.exists():
        raise UserError(f"{path}: no such file")
    raise UserError(f"{path}: of no known kind; expected {', '.join(KINDS)}")


def _text_table(
    path: Path,
    rows: Iterator[tuple[int, list[str]]],
    headless: Headless | None,
    short: list[str] | None,
) -> Iterator[Row]:
    header: Sequence[str] = ()
    for line, cells in rows:
        if not header:
            bare = headless is not None and headless.mark not in cells
            header = headless.columns if headless and bare else cells
            _check_header(path, line, header)
            if not bare:
                continue
        if len(cells) < len(header) and short is not None:
            short.append(f"{path}, line {line}: {len(cells)} of {len(header)} columns")
        elif len(cells) != len(header):
            _wrong_count(path, line, cells, header)
        else:
            yield Row(path, line, dict(zip(header, cells, strict=True)))
    if not header:
        raise UserError(f"{path}: empty; a table was expected")


def _json(path: Path) -> Iterator[Row]:
    """Read a file with an object on each line or, in `.json`, one document."""
    if not _has_lines(path):
        yield from _document(path)
        return
    for number, line in enumerate(read_stream(path), 1):
        if line.strip():
            record = parse_json(line.rstrip("\r\n"), f"{path}, line {number}")
            if not isinstance(record, dict):
                raise UserError(f"{path}, line {number}: a JSON object was expected")
            yield Row(path, number, record)


def _has_lines(path: Path) -> bool:
    try:
        first = list(islice((line for line in read_stream(path) if line.strip()), 2))
    except UserError:  # such as a document in one line
        return suffix_of(path) == ".jsonl"
    if not first:
        raise UserError(f"{path}: empty; a JSON object on each line was expected")
    if suffix_of(path) == ".jsonl":
        return not first[0].lstrip().startswith("[{")
    return len(first) > 1 and first[0].startswith("{") and first[0].rstrip().endswith("}")


def _document(path: Path) -> Iterator[Row]:
    content = read_json(path, LARGE)
    if isinstance(content, dict):
        if content and all(isinstance(each, dict) and "0" in each for each in content.values()):
            raise UserError(f"{path}: columns, not rows; save it with to_json(orient='records')")
        content = content.get("data", content.get("Data", [content]))
    if not isinstance(content, list) or not content:
        raise UserError(
            f"{path}: a list of JSON objects was expected, alone or in 'data', or one on each line"
        )
    for number, record in enumerate(content, 1):
        if not isinstance(record, dict):
            raise UserError(f"{path}, record {number}: a JSON object was expected")
        yield Row(path, number, record, "record")


def _check_header(path: Path, line: int, header: Sequence[str]) -> None:
    names = Counter(name for name in header if name)  # Excel leaves columns without a name
    name, count = names.most_common(1)[0] if names else ("", 1)
    if count > 1:
        raise UserError(f"{path}, line {line}: two columns are called {name!r}; names must differ")


def _wrong_count(path: Path, line: int, cells: Sequence[str], header: Sequence[str]) -> None:
    found = "nothing" if list(cells) == [""] else counted(len(cells), "column")
    raise UserError(
        f"{path}, line {line}: {found}, but {len(header)} were expected ({listed(header)})"
    )
