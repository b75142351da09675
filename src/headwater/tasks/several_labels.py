"""Several labels in one cell: a list, or names with commas between them.

labels = ["billing", "fault", "urgent"]
["urgent", "fault"]      fault, urgent      in the order of the labels
"fault, urgent"          fault, urgent
[], ""                   none of them
"""

from collections.abc import Sequence
from typing import Any, final

from headwater.data.row import Row
from headwater.errors import UserError, listed, nearest
from headwater.metrics.several import BETWEEN
from headwater.tasks.cell_values import hidden


@final
class SeveralLabels:
    """Reads the labels of each row of a file, as one text of them.

    Args:
        columns: the names that the column may have.
        labels: what there is to choose from, in order.
    """

    def __init__(self, columns: Sequence[str], labels: Sequence[str]) -> None:
        self._columns, self._labels = columns, labels

    def read(self, row: Row) -> str:
        """Return the labels that a row names, in their official order; "" where there is none."""
        value = row.value(*self._columns)
        if value is None:
            raise hidden(row)
        names = [str(each).strip() for each in self._split(row, value)]
        for name in names:
            if name not in self._labels:
                near = nearest(name, self._labels)
                hint = "" if near is None else f"did you mean {near!r}? "
                raise UserError(
                    f"{row.where}: unknown label {name!r:.40}; {hint}expected some of "
                    f"{listed(self._labels)}"
                )
        return BETWEEN.join(label for label in self._labels if label in names)

    def _split(self, row: Row, value: Any) -> list[Any]:
        if isinstance(value, str):
            return value.split(",") if value.strip() else []
        if isinstance(value, list | tuple):
            return list(value)
        raise UserError(
            f"{row.where}: {value!r:.40} is no list of labels, nor names with commas between them"
        )
