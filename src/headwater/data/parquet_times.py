"""Times of a Parquet file that Python cannot hold: they must not hinder the other columns."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow

NOT_HELD = (ValueError, OverflowError, KeyError)
"""What pyarrow raises for times between microseconds, years beyond 9999 and unknown time zones."""


def spelled(batch: "pyarrow.RecordBatch") -> "pyarrow.RecordBatch":
    """Return a batch with bytes for what Python cannot hold, as nanoseconds: neither is a text."""
    import pyarrow

    columns = []
    for column in batch.columns:
        try:
            column.to_pylist()
        except NOT_HELD:
            column = pyarrow.array([_spelling(cell) for cell in column], pyarrow.binary())
        columns.append(column)
    return pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _spelling(cell: "pyarrow.Scalar") -> bytes | None:
    import pyarrow

    if not cell.is_valid:
        return None
    try:
        return str(cell.cast("string")).encode()
    except (pyarrow.ArrowException, *NOT_HELD):
        return str(cell.type).encode()
