"""The one place where what a cell holds becomes a score.

3.5, "3.5", "1e3", 2     as they are
"3,5"                    3.5, if the column has no point
"1,234"                  a thousand or a fraction: refused, unless the task says `decimal`
"""

import logging
import re
from collections.abc import Sequence
from typing import Any, Literal, final

from headwater.data.row import Row
from headwater.errors import UserError
from headwater.tasks.cell_values import OneWay, cell_value, hidden, number_of

logger = logging.getLogger(__name__)

_MOST = 1e30  # a score that float32 holds, and its square
_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}")


@final
class ScoreColumn:
    """Reads the scores of one file.

    Args:
        columns: the names that the column may have.
        bounds: the lowest and the highest score that there is.
        decimal: what stands before the fraction in texts; None: what the file shows.
    """

    def __init__(
        self,
        columns: Sequence[str],
        bounds: tuple[float, float] | None = None,
        decimal: Literal[".", ","] | None = None,
    ) -> None:
        self._columns = columns
        self._bounds = bounds
        self._decimal = decimal
        self._way = OneWay()

    def read(self, row: Row) -> float:
        """Return a row's score."""
        value = cell_value(row, self._columns)
        if self._bounds is not None and value in (-1, "-1") and self._bounds[0] > -1:
            raise hidden(row)
        number = None if isinstance(value, bool) else self._number(row, value)
        if number is None or not abs(number) < _MOST:
            raise UserError(f"{row.where}: the score must be a number, not {value!r:.40}")
        if self._bounds is not None and not self._bounds[0] <= number <= self._bounds[1]:
            least, most = self._bounds
            raise UserError(
                f"{row.where}: the score must be from {least:g} to {most:g}, not {number:g}"
            )
        return number

    def _number(self, row: Row, value: Any) -> float | None:
        if not isinstance(value, str):
            return number_of(value)
        text = value.strip()
        if "." in text and number_of(text) is not None:
            if self._decimal == ",":
                raise UserError(f"{row.where}: {value!r:.40} has a point; csv says decimal = ','")
            self._way.note("with a point", value, row)
        if not _COMMA.fullmatch(text) or self._decimal == ".":
            return number_of(text)
        if self._decimal is None and _THOUSANDS.fullmatch(text) and not self._way.way:
            raise UserError(
                f"{row.where}: is {value!r} a thousand or a fraction? Say csv = "
                '{ decimal = "," } in the task, or write it without a comma'
            )
        if self._decimal is None and not self._way.way:
            logger.info(f"{row.path}: numbers are read with a decimal comma")
        self._way.note("with a comma", value, row)
        return number_of(text.replace(",", "."))
