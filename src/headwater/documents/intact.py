"""Rows as they are read: SQLite keeps any kind of value in any column, so damage may change it."""

import sqlite3
from collections.abc import Sequence
from types import UnionType
from typing import Any


class DamagedRow(sqlite3.DatabaseError):
    """A row that no index of ours has; `store.sqlite_errors` says which index, and what to do."""


def intact(row: Sequence[Any], kinds: Sequence[type | UnionType]) -> Sequence[Any]:
    """Return a row whose values are of these kinds.

    Raises:
        DamagedRow: one is of another kind.
    """
    for value, kind in zip(row, kinds, strict=True):
        if not isinstance(value, kind):
            raise DamagedRow(f"a row has {type(value).__name__} in the place of another kind")
    return row
