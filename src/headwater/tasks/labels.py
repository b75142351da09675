"""The one place where what a cell holds becomes a label.

    labels = ["fault", "bill"]     "fault", " fault "     fault
                                   1, "1", 1.0, "1.0"     bill: an index, as no label is a number
    labels = ["1", "2", "3"]       1, "1", 1.0            1: the label itself, never an index
    labels = ["False", "True"]     true, "TRUE"           True

A file says it in one way: names and indices in one column are refused, with the lines of both.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, final

from headwater.data.row import Row
from headwater.errors import UserError, listed, nearest
from headwater.tasks.cell_values import OneWay, cell_value, hidden, number_of

_TRUTH = ("false", "true")


@final
class LabelColumn:
    """Reads the labels of one file.

    Args:
        columns: the names that the column may have.
        labels: what there is to choose from, in order.
    """

    def __init__(self, columns: Sequence[str], labels: Sequence[str]) -> None:
        self._columns = columns
        self._labels = labels
        self._values = {label: number_of(label) for label in labels}
        self._numbered = all(value is None for value in self._values.values())
        self._way = OneWay()
        self._known: dict[tuple[type, str], str] = {}

    def read(self, row: Row) -> str:
        """Return the label that a row names."""
        value = cell_value(row, self._columns, self._labels)
        key = (type(value), str(value))
        if key not in self._known:
            self._known[key] = self._label(row, value)
        return self._known[key]

    def _label(self, row: Row, value: Any) -> str:
        text = str(value).strip()
        if text in self._labels and type(value) in (str, int):
            self._note("a name", value, row)
            return text
        if isinstance(value, bool) or text.casefold() in _TRUTH:
            return self._truth(row, value)
        number = number_of(text) if isinstance(value, str | int | float | Decimal) else None
        if number == -1 and -1 not in self._values.values():
            raise hidden(row)
        if number is not None and self._numbered:
            if number.is_integer() and 0 <= number < len(self._labels):
                self._note("an index", value, row)
                return self._labels[int(number)]
        elif number is not None:
            equal = [label for label, other in self._values.items() if other == number]
            if len(equal) == 1:
                return equal[0]
        raise self._unknown(row, value)

    def _truth(self, row: Row, value: object) -> str:
        """Return the label that is true or false, whatever its case."""
        word = str(value).strip().casefold()
        found = [label for label in self._labels if label.casefold() == word]
        if len(found) != 1:
            raise self._unknown(row, value)
        self._note("a name", value, row)
        return found[0]

    def _note(self, way: str, value: object, row: Row) -> None:
        if self._numbered:
            self._way.note(way, value, row)

    def _unknown(self, row: Row, value: object) -> UserError:
        numbers = f" (or their numbers, 0 to {len(self._labels) - 1})" if self._numbered else ""
        expected = f"expected {listed(self._labels)}{numbers}"
        near = nearest(value, self._labels) if isinstance(value, str) else None
        hint = "" if near is None else f"did you mean {near!r}? "
        return UserError(f"{row.where}: unknown label {value!r:.40}; {hint}{expected}")
