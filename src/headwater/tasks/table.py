"""All tasks by name: the one place where a new one is entered."""

import difflib
from typing import Any

from headwater.data.task import Task
from headwater.errors import UserError
from headwater.tasks.squad import SQUAD_V1, SQUAD_V2

TASKS: dict[str, Task[Any]] = {each.name: each for each in (SQUAD_V1, SQUAD_V2)}


def task(name: str) -> Task[Any]:
    """Return a task by its name.

    Raises:
        UserError: there is none of that name; the nearest is suggested.
    """
    if name in TASKS:
        return TASKS[name]
    near = difflib.get_close_matches(name, TASKS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known tasks: {', '.join(TASKS)}"
    raise UserError(f"unknown task {name!r}; {hint}")
