"""What stands in the cells of a table, checked."""

from headwater.data.table_file import Row
from headwater.errors import MissingField, UserError


def texts_in(row: Row, column: str) -> tuple[str, ...]:
    """Return the texts of a cell that holds one or a list of them."""
    if column not in row.cells:
        raise MissingField(
            f"{row.columns_where}: no column {column!r}; there are "
            f"{', '.join(repr(str(name)) for name in row.cells)}"
        )
    value = row.cells[column]
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise UserError(
            f"{row.where}: {column!r} must be a text or a list of texts, not {value!r:.40}"
        )
    return tuple(texts)
