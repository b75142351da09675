"""Which tasks to measure, and with which models. Free of torch.

    --task cola,rte --task boolq        three tasks
    --task glue                         those of the benchmark whose files are there
    --model runs/all                    one model for all tasks
    --model runs                        a folder with one run for each task: runs/cola, runs/rte
    --model cola=runs/a --model rte=runs/b

A task without training files of its own (`mnli_mismatched`, `ax`) takes the model of the task that
serves it, unless it is given one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.checkpoints.hub import BUNDLED
from headwater.data.hub_files import HUB, with_hub
from headwater.data.task import Task
from headwater.errors import UserError, did_you_mean
from headwater.tasks.names import BENCHMARKS, SERVED_BY, TASKS
from headwater.tasks.names import task as find_task


@dataclass(frozen=True, slots=True)
class Selected:
    """A task to measure, the files it is measured on, and whether it may be skipped.

    optional: it was named by its benchmark only.
    """

    task: Task[Any]
    files: tuple[Path, ...]
    optional: bool


def task_names(given: Sequence[str]) -> list[str]:
    """Split lists at commas; each name once, in the order given."""
    names = [name.strip() for each in given for name in each.split(",")]
    known = (*BENCHMARKS, *TASKS)
    for name in names:
        if name not in known and not name.endswith(".toml"):
            raise UserError(f"unknown task {name!r}; {did_you_mean(name, known, 'known tasks:')}")
    return list(dict.fromkeys(names))


def only_task(names: Sequence[str]) -> str | None:
    """Return the task where there is one; None for several, or a benchmark."""
    return names[0] if len(names) == 1 and names[0] not in BENCHMARKS else None


def select_tasks(
    names: Sequence[str], data: Sequence[Path]
) -> tuple[list[Selected], dict[str, str]]:
    """Find tasks with their validation files in the benchmark folders `data`.

    Returns:
        The tasks, and those of a benchmark that are skipped, each with the reason.
    """
    for path in data:
        if not path.is_dir() and str(path) != HUB:
            raise UserError(f"--data {path}: several tasks need the benchmark's folder, or {HUB}")
    selected: dict[str, Selected] = {}
    skipped: dict[str, str] = {}
    for name in names:
        for task in map(find_task, BENCHMARKS.get(name, (name,))):
            files = _files(task, data)
            if files:
                optional = name in BENCHMARKS and (task.name not in names)
                selected.setdefault(task.name, Selected(task, files, optional))
            elif name in BENCHMARKS and task.name not in names:
                skipped[task.name] = _absent(task, data)
            else:
                raise UserError(f"task {task.name}: {_absent(task, data)}")
    if not selected:
        where, wanted = ", ".join(map(str, data)), ", ".join(names)
        raise UserError(f"{where}: no files of {wanted} here; --data is the benchmark's folder")
    return list(selected.values()), skipped


def _files(task: Task[Any], data: Sequence[Path]) -> tuple[Path, ...]:
    """The validation files of a task in the first folder that has them."""
    for path in data:
        if path.is_dir():
            files = task.files.find(path, "validation") if task.files else ()
        else:
            on_hub = task.files and task.files.hub and "validation" in task.files.splits
            files = tuple(with_hub(task.name, task.files, [path], "validation")) if on_hub else ()
        if files:
            return files
    return ()


def _absent(task: Task[Any], data: Sequence[Path]) -> str:
    names = task.files.splits.get("validation") if task.files else None
    if not task.files or not names:
        return "it has no official validation files"
    return f"no {task.files.folder}/{' or '.join(names)} in {', '.join(map(str, data))}"


def models_for(given: Sequence[str], tasks: Sequence[Task[Any]]) -> dict[str, str]:
    """Return the model for each task by its name; a task without one is absent.

    Args:
        given: `TASK=MODEL`, and at most one model, or folder of runs, for all other tasks.
    """
    known = {each.name for each in tasks}
    known |= {SERVED_BY[name] for name in known & SERVED_BY.keys()}
    by_task: dict[str, str] = {}
    shared: list[str] = []
    for each in given:
        name, sign, model = each.partition("=")
        if not sign or Path(each).exists():
            shared.append(each)
        elif name in by_task:
            raise UserError(f"--model {each}: {name} has a model already ({by_task[name]})")
        elif name in known:
            by_task[name] = model
        elif name in TASKS:
            raise UserError(f"--model {each}: {name} is not among the tasks asked for")
        else:
            raise UserError(
                f"--model {each}: no task {name!r}; {did_you_mean(name, sorted(known))}"
            )
    if len(shared) > 1:
        raise UserError(f"--model {shared[1]}: which task is it for? write TASK={shared[1]}")
    models = {each.name: _model(each.name, by_task, shared) for each in tasks}
    return {name: model for name, model in models.items() if model is not None}


def _model(task: str, by_task: Mapping[str, str], shared: Sequence[str]) -> str | None:
    names = [task, SERVED_BY[task]] if task in SERVED_BY else [task]
    for name in names:
        if name in by_task:
            return by_task[name]
    if not shared or not _holds_runs(Path(shared[0])):
        return shared[0] if shared else None
    runs = (Path(shared[0], name) for name in names)
    return next((str(run) for run in runs if run.is_dir()), None)


def _holds_runs(path: Path) -> bool:
    """Tell whether it is a folder, and no model itself."""
    if str(path) in BUNDLED:
        return False
    return path.is_dir() and not any(
        (folder / name).is_file()
        for folder in (path, path / "model")
        for name in ("config.json", "adapter_config.json")
    )
