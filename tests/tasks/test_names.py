"""The table of tasks: every name leads to its task, and no other task is built for it."""

import subprocess
import sys

import pytest

from headwater.data.task import Task
from headwater.tasks.names import BENCHMARKS, DECLARED, SERVED_BY, TASKS
from headwater.tasks.squad import SQUAD_V1

BUILT = """
import sys
from headwater.tasks.names import TASKS, task
assert "squad" in TASKS and "rte" in TASKS and len(TASKS) > 30
assert not [name for name in sys.modules if name.startswith("headwater.tasks.")
            and name != "headwater.tasks.names"]
task("squad_v2")
print(*(name for name in sys.modules if name in ("headwater.tasks.glue", "headwater.tasks.pairs")))
"""


def test_every_name_leads_to_the_task_of_that_name() -> None:
    for name in DECLARED:
        assert isinstance(TASKS[name], Task) and TASKS[name].name == name
    for benchmark in BENCHMARKS.values():
        assert set(benchmark) <= set(DECLARED)
    assert set(SERVED_BY) | set(SERVED_BY.values()) <= set(DECLARED)


def test_every_task_declared_in_the_room_is_in_the_table() -> None:
    modules = {path.partition(".")[0] for path in DECLARED.values()}
    found = {
        each.name
        for module in modules
        for each in vars(sys.modules[f"headwater.tasks.{module}"]).values()
        if isinstance(each, Task)
    }
    assert found == set(DECLARED)


def test_a_task_is_imported_when_it_is_asked_for() -> None:
    ran = subprocess.run([sys.executable, "-c", BUILT], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


def test_a_program_enters_a_task_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "mine", SQUAD_V1)
    assert TASKS["mine"] is SQUAD_V1 and "mine" in list(TASKS)
    del TASKS["mine"]
    assert "mine" not in TASKS
    TASKS["mine"] = SQUAD_V1
