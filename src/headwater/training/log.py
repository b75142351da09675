"""The run's log: one JSON object a line in `log.jsonl`, cut back to the restored step on resume."""

import json
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from headwater.files import refusal, replace_file, whole_lines


class Log:
    """Appends lines; each goes to the system at once, so a kill loses at most a part of one."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("a", encoding="utf-8")

    def close(self) -> None:
        """Close the file; what could not be written has been told."""
        with suppress(OSError):
            self._file.close()

    def write(self, line: dict[str, Any]) -> None:
        """Append one object; numbers that JSON has no form for become null."""
        try:
            self._file.write(json.dumps(_finite(line), ensure_ascii=False, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise refusal(error, self._path) from None

    def sync(self) -> None:
        """Force the log to the disk, before a state that will trust it."""
        os.fsync(self._file.fileno())


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a log; what a kill left of a last line is passed over."""
    if not path.exists():
        return []
    return [line for line in whole_lines(path) if isinstance(line.get("step"), int)]


def cut_log(path: Path, step: int, evaluated: int) -> None:
    """Drop what comes after a step, a broken last line, and an evaluation that is still to come."""

    def keep(line: dict[str, Any]) -> bool:
        last = evaluated if "evaluation" in line else step
        return bool(line["step"] <= last)

    if path.exists():
        kept = [line for line in read_log(path) if keep(line)]
        replace_file(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
