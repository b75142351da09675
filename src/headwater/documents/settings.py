"""What an index remembers beside its files: how it is searched, and how it is asked."""

import json
import sqlite3
from typing import Any, Literal

from headwater.documents.intact import DamagedRow, intact

Key = Literal["engine", "vectors", "calibration"]


def read_setting(connection: sqlite3.Connection, key: Key) -> dict[str, Any]:
    """Return a setting, empty where there is none."""
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    if row is None:
        return {}
    try:
        [found] = intact([json.loads(*intact(row, [str]))], [dict])
    except json.JSONDecodeError:
        raise DamagedRow(f"its setting {key} is no JSON") from None
    return dict(found)


def write_setting(connection: sqlite3.Connection, key: Key, value: dict[str, Any]) -> None:
    """Keep a setting in the place of what was there; to be called in a transaction."""
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))
