"""Rows of a Parquet file, a few at a time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.data.parquet_times import NOT_HELD, spelled
from headwater.data.row import Row
from headwater.errors import UserError
from headwater.streams import LONGEST, check_expansion, reading
from headwater.text_files import check_library

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import ParquetFile

_ROWS = 256  # taken at once
_FEW = 16  # where they may be long


def read_parquet(path: Path) -> Iterator[Row]:
    """Yield the rows, counted from 1."""
    check_library(path)
    import pyarrow
    from pyarrow.parquet import ParquetFile

    number = held = 0
    with reading(path) as (_, raw):
        try:
            file = ParquetFile(raw)
            most = _check(path, file)
            classes = _classes(file)
            size = path.stat().st_size
            for batch in file.iter_batches(_ROWS if most * _ROWS < LONGEST else _FEW):
                held += batch.nbytes
                check_expansion(path, held, size)
                for cells in _records(path, batch, number):
                    number += 1
                    yield Row(path, number, cells, "row", classes)
        except (pyarrow.ArrowException, OSError) as error:
            reason = str(error).split("\n")[0]
            raise UserError(f"{path}: not a whole Parquet file ({reason:.200})") from None


def _check(path: Path, file: "ParquetFile") -> int:
    """Refuse names that occur twice, and texts too long to be read; return the largest column."""
    names = file.schema_arrow.names
    if len(set(names)) < len(names):
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise UserError(f"{path}: two columns are called {twice!r}; names must differ")
    largest = 0
    for group in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(group)
        for index in range(rows.num_columns):
            column = rows.column(index)
            largest = max(largest, column.total_uncompressed_size)
            if column.total_uncompressed_size > LONGEST * max(column.num_values, 1):
                raise UserError(
                    f"{path}: {column.path_in_schema!r} holds a text longer than "
                    f"{LONGEST >> 20} MiB, the most of a text"
                )
    return largest


def _classes(file: "ParquetFile") -> dict[str, list[str]]:
    """Return the names of the classes of each column, as `datasets` writes them into a file."""
    try:
        written = json.loads((file.schema_arrow.metadata or {})[b"huggingface"])
        features = dict(written["info"]["features"])
    except (KeyError, ValueError, TypeError):
        return {}
    return {name: names for name, each in features.items() if (names := _names(each))}


def _names(feature: Any) -> list[str]:
    """Return the names of a feature of classes, or of a list of them."""
    if isinstance(feature, list):
        feature = feature[0] if feature else None
    if not isinstance(feature, dict):
        return []
    if feature.get("_type") != "ClassLabel":
        return _names(feature.get("feature"))
    names = feature.get("names")
    known = isinstance(names, list) and all(isinstance(each, str) for each in names)
    return names if isinstance(names, list) and known else []


def _records(path: Path, batch: "pyarrow.RecordBatch", before: int) -> list[dict[str, Any]]:
    try:
        records: list[dict[str, Any]] = batch.to_pylist()
    except UnicodeDecodeError:
        return [_record(path, batch, before, index) for index in range(batch.num_rows)]
    except NOT_HELD:
        records = spelled(batch).to_pylist()
    if batch.nbytes > LONGEST:
        for number, record in enumerate(records, before + 1):
            for name, value in record.items():
                if isinstance(value, str) and len(value) > LONGEST:
                    raise UserError(
                        f"{path}, row {number}: {name!r} is longer than {LONGEST >> 20} MiB, "
                        "the most of a text"
                    )
    return records


def _record(path: Path, batch: "pyarrow.RecordBatch", before: int, index: int) -> dict[str, Any]:
    try:
        (record,) = batch.slice(index, 1).to_pylist()
    except UnicodeDecodeError:
        raise UserError(f"{path}, row {before + index + 1}: a text that is not UTF-8") from None
    found: dict[str, Any] = record
    return found
