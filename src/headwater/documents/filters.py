"""Which files of an index a question is asked of.

    path=*.pdf            a glob, compared with the whole path and with each end of it
    modified>2024-06      a date, or a date with a time, in the time of this place

>>> parse("modified >= 2024-06-30")
Filter(field='modified', operator='>=', value='2024-06-30')
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from fnmatch import fnmatch
from typing import NamedTuple

from headwater.arguments import check_texts
from headwater.documents.child import UNSETTLED
from headwater.errors import UserError
from headwater.paths import as_path

_FORM = re.compile(r"\s*(path|modified)\s*(=|>=|<=|>|<)\s*(\S.*?)\s*", re.DOTALL)
_DATES = ("%Y", "%Y-%m")
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}

Takes = Callable[[str, int], bool]
"""Tells of a file's path and its time in nanoseconds whether it is asked."""


class Filter(NamedTuple):
    """A condition on files."""

    field: str
    operator: str
    value: str

    def takes(self) -> Takes:
        """Return what tells the files that meet it."""
        if self.field == "path":
            globs = (self.value, f"*/{self.value}")
            return lambda path, modified: any(fnmatch(path, glob) for glob in globs)
        compare, limit = _COMPARED[self.operator], 10**9 * _seconds(self.value)
        return lambda path, modified: compare(_time(path, modified), limit)


def parse(text: str) -> Filter:
    """Read a condition."""
    found = _FORM.fullmatch(text)
    if found is None or (found[1] == "path") != (found[2] == "="):
        raise UserError(
            f"filter {text[:60]!r}: path=GLOB or modified>DATE was expected (also <, >=, <=)"
        )
    parsed = Filter(*found.groups())
    parsed.takes()  # a wrong date is refused here
    return parsed


def takes_all(filters: str | Sequence[str]) -> Takes:
    """Return what tells the files that meet every one of some conditions."""
    conditions = [parse(text).takes() for text in check_texts(filters, "filters")]
    return lambda path, modified: all(takes(path, modified) for takes in conditions)


def _seconds(date: str) -> float:
    """Return a date in seconds since 1970; one at the edge of the calendar is that far away."""
    moment = _date(date)
    try:
        return moment.timestamp()
    except (ValueError, OverflowError):  # in the time of this place it is outside
        return math.copysign(math.inf, moment.year - 1970)


def _date(text: str) -> datetime:
    """Return the moment that a date stands for: that at which it begins."""
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    for form in _DATES:
        with suppress(ValueError):
            return datetime.strptime(text, form)
    raise UserError(
        f"filter modified: {text[:40]!r} is no date; give one as 2024, 2024-06, 2024-06-30 or "
        "2024-06-30T12:00"
    )


def _time(path: str, modified: int) -> float:
    """Return when a file was changed; what had just changed when it was read is asked again."""
    if modified != UNSETTLED:
        return modified
    with suppress(OSError, ValueError):
        return as_path(path).stat().st_mtime_ns
    return math.inf
