"""`headwater score`, and what is said about predictions that cannot be right. Free of torch."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.data.hub_files import with_hub
from headwater.data.official_files import with_folders
from headwater.data.predictions import read_probabilities
from headwater.data.source import DataSource, Examples
from headwater.data.task import Task
from headwater.errors import UserError
from headwater.metrics.classification import unknown
from headwater.tasks.names import task as find_task

logger = logging.getLogger(__name__)


def score_file(
    task: str,
    data: Sequence[Path],
    predictions: Path,
    no_answer_probabilities: Path | None = None,
) -> dict[str, float]:
    """Score a file of predictions in the task's official format, as the official scripts do.

    Raises:
        UserError: the task or the files are not usable, or an example's answer is not known.
    """
    wanted = find_task(task)
    examples = read_files(wanted, data)
    given = wanted.prediction_file.read(predictions, examples)
    if not given:
        raise UserError(f"{predictions}: holds no prediction of task {wanted.name}")
    doubts = read_probabilities(no_answer_probabilities) if no_answer_probabilities else None
    ids = {example.id for example in examples}
    what = "questions" if wanted.kind == "span" else "examples"
    if missing := len(ids - given.keys()):
        logger.info(f"{predictions}: {missing} of {len(examples)} {what} are missing; they count 0")
    if strange := [key for key in given if key not in ids]:
        logger.info(
            f"{predictions}: {len(strange)} predictions are of no example here and do not count, "
            f"the first: {strange[0]!r}"
        )
    found = wanted.score(examples, given, doubts)
    explain(wanted, examples, given)
    return found


def read_files(task: Task[Any], data: Sequence[Path], *, answered: bool = True) -> Examples[Any]:
    """Read a task's files, and say what was repaired or left out.

    A folder stands for its official validation file, `hub` for that of the task's dataset there.

    Raises:
        UserError: there are no such files, or they are broken.
    """
    paths = with_hub(task.name, task.files, data, "validation")
    examples = task.read(with_folders(task.name, task.files, paths), answered=answered)
    if summary := examples.report.summary():
        logger.info(f"{', '.join(map(str, paths))}: {summary}")
    return examples


def say_unknown(
    task: Task[Any], predictions: Mapping[str, str], then: str = "they count as wrong"
) -> None:
    """Say how many predictions are no label of the task, or no number where one is asked for."""
    if task.metric_kind not in ("sequence", "regression"):
        return
    what = "label" if task.labels else "number"
    if count := unknown(predictions.values(), task.labels):
        whole = f"{count} of {len(predictions)} predictions"
        logger.info(f"{whole} are no {what} of {task.name}; {then}")


def explain(task: Task[Any], examples: DataSource[Any], predictions: Mapping[str, str]) -> None:
    """Say what the scores do not: `say_unknown`, and what the official script says besides."""
    say_unknown(task, predictions)
    for line in task.report(examples, predictions).splitlines():
        logger.info(line)
