"""What labels and scores have in common: cells that must be there, and all written in one way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from headwater.data.row import Row
from headwater.errors import MissingField, UserError

_NO_LABEL = "a test file hides the labels, which `headwater predict` does not need"


@final
@dataclass(slots=True)
class OneWay:
    """The one way in which a file's cells are written, and the first cell written so."""

    way: str = ""
    first: str = ""

    def note(self, way: str, value: object, row: Row) -> None:
        """Refuse a second way."""
        if not self.way:
            self.way, self.first = way, f"{row.unit} {row.line} has {value!r:.40}, {way}"
        if way != self.way:
            raise UserError(
                f"{row.where}: {value!r:.40} is {way}, but {self.first}; write all alike"
            )


def number_of(value: Any) -> float | None:
    """Return a finite number; None: it is none. Python also reads 1_000, and other digits."""
    if isinstance(value, str) and (not value.isascii() or "_" in value):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def cell_value(row: Row, columns: Sequence[str], labels: Sequence[str] = ()) -> Any:
    """Return what stands in the first of the columns that there is; it must be known.

    Args:
        labels: a class that the file gives by number, but also names as one of these, is its name.
    """
    name, value = row.cell(columns, _NO_LABEL)
    if value is None:
        raise hidden(row)
    return row.named(name, value, labels)


def hidden(row: Row) -> MissingField:
    """Return the error of a row without what is to be predicted."""
    return MissingField(f"{row.where}: the label is hidden; `headwater predict` does not need it")
