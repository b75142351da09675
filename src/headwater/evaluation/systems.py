"""What is compared: for each task the predictions of each run of a system.

runs/a               a run or a model, which predicts; also a folder with a run for each task
measured/a           a folder that `evaluate --output` wrote
a.json               a file of predictions in the task's official format
runs/a1,runs/a2      several runs of one system, such as its seeds; also those of `tune`
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from headwater.data.example import Examples
from headwater.data.task import Task
from headwater.errors import UserError
from headwater.evaluation.choice import models_for, only_task, select_tasks, task_names
from headwater.evaluation.evaluator import predict, progress_of
from headwater.evaluation.one_task import predictor_for
from headwater.evaluation.recipe_files import tasks_of_recipe
from headwater.evaluation.scoring import log_unknown, read_files, read_predictions
from headwater.inference.loaded import LoadedModel, load
from headwater.inference.loading import Loading
from headwater.metrics.items import ItemSums, item_sums
from headwater.paths import real
from headwater.tasks.names import task as find_task


@dataclass(frozen=True, slots=True)
class TestSet:
    """A task with the examples to compare on."""

    __test__ = False  # no test of pytest's

    task: Task[Any]
    examples: Examples[Any]


@dataclass(frozen=True, slots=True)
class Predicted:
    """What one run says: predictions by example id, and what each item adds to each metric."""

    texts: Mapping[str, str]
    items: Mapping[str, ItemSums]


def sources(system: str) -> list[str]:
    """Return the runs of a system as the command line names it.

    Commas part names; those inside of an existing path, as trials of `tune` have them, do not.
    """
    names, rest = [], system.split(",")
    while rest:
        joined = (",".join(rest[:end]) for end in range(1, len(rest) + 1))
        names.append(next((each for each in joined if Path(each).exists()), rest[0]))
        del rest[: names[-1].count(",") + 1]
    if not all(names):
        raise UserError(f"{system!r}: names no run; give a run, a model, or several: A1,A2")
    paths = [real(Path(name)) for name in names]
    if twice := next((name for name in names if paths.count(real(Path(name))) > 1), None):
        raise UserError(f"{system}: {twice} stands here twice; a run counts once")
    return names


def test_sets(tasks: Sequence[str], data: Sequence[Path], first: str) -> list[TestSet]:
    """Read what is compared on: tasks and files as given, or those that a run was validated on.

    Args:
        tasks, data: as `evaluate` takes them; both are empty, or none is.
        first: the run whose recipe says it where nothing is given.
    """
    if bool(tasks) != bool(data):
        raise UserError("give both --task and --data, or neither: then they are those of a run")
    found: list[tuple[Task[Any], Sequence[Path]]]
    if not tasks:
        found = [(find_task(name), files) for name, files in _validated_on(first)]
    elif only := only_task(names := task_names(tasks)):
        found = [(find_task(only), data)]
    else:
        found = [(each.task, each.files) for each in select_tasks(names, data)[0]]
    return [TestSet(task, read_files(task, files)) for task, files in found]


test_sets.__test__ = False  # type: ignore[attr-defined]


def predicted(source: str, sets: Sequence[TestSet], **loading: Unpack[Loading]) -> list[Predicted]:
    """Return the predictions of one run on each test set; a model is loaded once."""
    loaded: dict[str, LoadedModel] = {}
    found = []
    for each in sets:
        task, texts = each.task, _written(source, each)
        if texts is None:
            name = models_for([source], [task]).get(task.name)
            if name is None:
                raise UserError(f"{source}: neither a model nor a folder with a run {task.name}/")
            model = loaded[name] = loaded.get(name) or load(name, **loading)
            task = model.read_as(task)
            with progress_of(task) as progress:
                texts = predict(predictor_for(model, each.task), each.examples, progress).texts
        log_unknown(task, texts)
        scored = task.scored(each.examples, texts)
        found.append(Predicted(texts, item_sums(task.metric_kind, task.metric_names, scored)))
    return found


def _written(source: str, test: TestSet) -> dict[str, str] | None:
    """Return the predictions of a file, or None where there is a model instead."""
    path, name = Path(source), test.task.prediction_file.name
    files = (path, path / test.task.name / name, path / name)
    file = next((each for each in files if each.is_file()), None)
    if file is None:
        return None
    found = read_predictions(test.task, test.examples, file)
    if not found.keys() & {example.id for example in test.examples}:
        raise UserError(
            f"{file}: predictions of other examples: none is of the {len(test.examples)} that are "
            f"compared, the first is of {next(iter(found))!r}"
        )
    return found


def _validated_on(run: str) -> list[tuple[str, list[Path]]]:
    """Return the tasks of a run's recipe with their validation files."""
    file = Path(run) / "config.toml"
    if not file.is_file():
        raise UserError(f"{run}: has no config.toml; say what to compare on: --task, --data")
    found = tasks_of_recipe(file, "validation")
    if not found:
        raise UserError(f"{file}: names no validation files; give --task and --data")
    names = [name for name, _ in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{file}: {twice[0]} is in it twice; give --task and --data")
    return found
