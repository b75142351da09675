"""All tasks by name: the one place where a new one is entered."""

from pathlib import Path
from typing import Any

from headwater.data.task import Task
from headwater.errors import UserError, did_you_mean
from headwater.tasks.closed_book import CLOSED_BOOK
from headwater.tasks.declared import load_task
from headwater.tasks.glue import GLUE, MNLI
from headwater.tasks.ner import TAGGING
from headwater.tasks.record import RECORD
from headwater.tasks.squad import SQUAD_V1, SQUAD_V2
from headwater.tasks.summarization import SUMMARIZATION
from headwater.tasks.superglue import CHOICES, SUPERGLUE_RTE
from headwater.tasks.translation import TRANSLATION
from headwater.tasks.winograd import WNLI_SIMPLE, WSC

SUPERGLUE: tuple[Task[Any], ...] = (*CHOICES, RECORD, WSC)

_ALL: tuple[Task[Any], ...] = (
    *(SQUAD_V1, SQUAD_V2),
    *GLUE,
    WNLI_SIMPLE,
    *SUPERGLUE,
    *TAGGING,
    *TRANSLATION,
    *SUMMARIZATION,
    *CLOSED_BOOK,
)

TASKS: dict[str, Task[Any]] = {each.name: each for each in _ALL}

BENCHMARKS: dict[str, tuple[Task[Any], ...]] = {"glue": GLUE, "superglue": SUPERGLUE}

SERVED_BY: dict[str, Task[Any]] = {
    **{"mnli_mismatched": MNLI, "ax": MNLI},
    **{"axb": SUPERGLUE_RTE, "axg": SUPERGLUE_RTE},
}
"""Tasks that have no training files of their own, and the task whose models predict them."""


def task(name: str) -> Task[Any]:
    """Return a task by its name, or one of your own by its declaration, such as `my_task.toml`.

    Raises:
        UserError: there is none of that name, and the nearest is suggested; or the declaration is
            missing or wrong.
    """
    if name in TASKS:
        return TASKS[name]
    if name.endswith(".toml"):
        own = load_task(Path(name).expanduser())
        if own.name in TASKS or own.name in BENCHMARKS:
            raise UserError(f"{name}: there is a task {own.name} already; give it another name")
        return own
    if name in BENCHMARKS:
        one = BENCHMARKS[name][0].name
        raise UserError(f"{name} is a benchmark; one of its tasks was expected, such as {one}")
    if "," in name:
        raise UserError(f"{name}: one task was expected, not a list")
    raise UserError(f"unknown task {name!r}; {did_you_mean(name, TASKS, 'known tasks:')}")
