"""The hidden folder in which work of hours goes on, so that an interrupted run is resumed.

    .cleaned.work/plan.json     everything that the outcome depends on
    .cleaned.work/logs          which tasks of which stage are done

The work of another plan (other files or settings) is thrown away.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.files import read_json, write_json
from headwater.lock import LOCK, locked
from headwater.paths import as_text, real

_PLAN = "plan.json"
LAST_STAGE = "finish"
"""The stage that makes the output; it is to do as long as there is none."""


@contextmanager
def work_folder(output: Path, plan: dict[str, Any], refusal: str) -> Iterator[Path]:
    """Give the work folder of an output that is still to make, with what an equal plan has done.

    Args:
        refusal: what is said where another process works there.
    """
    work = output.parent / f".{output.name}.work"
    work.mkdir(parents=True, exist_ok=True)
    with locked(work / LOCK, f"{output}: {refusal}"):
        _start(work, plan)
        yield work


def described(files: Iterable[Path]) -> list[list[Any]]:
    """Return files with their sizes and times, for a plan."""
    found = [(real(file), real(file).stat()) for file in files]
    return [[as_text(file), stat.st_size, stat.st_mtime_ns] for file, stat in found]


def _start(work: Path, plan: dict[str, Any]) -> None:
    """Empty the work folder unless it belongs to an interrupted run of the same plan."""
    try:
        if read_json(work / _PLAN) == plan:
            # There is no output, so its stage is to do, even if it was done and then removed.
            shutil.rmtree(work / "logs" / LAST_STAGE, ignore_errors=True)
            return
    except UserError:
        pass
    for item in work.iterdir():
        if item.is_dir():
            shutil.rmtree(item)
        elif item.name != LOCK:
            item.unlink()
    write_json(work / _PLAN, plan)
