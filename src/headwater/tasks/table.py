"""All tasks by name: the one place where a new one is entered."""

from typing import Any

from headwater.data.task import Task
from headwater.errors import UserError, did_you_mean
from headwater.tasks.squad import SQUAD_V1, SQUAD_V2

TASKS: dict[str, Task[Any]] = {each.name: each for each in (SQUAD_V1, SQUAD_V2)}


def task(name: str) -> Task[Any]:
    """Return a task by its name.

    Raises:
        UserError: there is none of that name; the nearest is suggested.
    """
    if name in TASKS:
        return TASKS[name]
    raise UserError(f"unknown task {name!r}; {did_you_mean(name, TASKS, 'known tasks:')}")
