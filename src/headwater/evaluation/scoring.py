"""Scoring a file of predictions, and what there is to say of predictions. Free of torch."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headwater.data.example import DataSource, Examples
from headwater.data.hub_files import with_hub
from headwater.data.official_files import with_folders
from headwater.data.predictions import read_probabilities
from headwater.data.task import Task
from headwater.errors import UserError
from headwater.metrics.classification import unknown
from headwater.tasks.names import task as find_task

logger = logging.getLogger(__name__)

_ENOUGH = 10  # predictions, that are all the same


def score_file(
    task: str,
    data: Sequence[Path],
    predictions: Path,
    no_answer_probabilities: Path | None = None,
) -> dict[str, float]:
    """Score a file of predictions in the task's official format, as the official scripts do."""
    scored = find_task(task)
    examples = read_files(scored, data)
    texts = read_predictions(scored, examples, predictions)
    probabilities = read_probabilities(no_answer_probabilities) if no_answer_probabilities else None
    metrics = scored.score(examples, texts, probabilities)
    log_report(scored, examples, texts)
    return metrics


def read_predictions(task: Task[Any], examples: Examples[Any], file: Path) -> dict[str, str]:
    """Read predictions by example id, and log what is missing from them or of no example."""
    texts = task.prediction_file.read(file, examples)
    if not texts:
        raise UserError(f"{file}: holds no prediction of task {task.name}")
    _log_mismatch(task, examples, texts, file)
    return texts


def _log_mismatch(
    task: Task[Any], examples: Examples[Any], texts: Mapping[str, str], file: Path
) -> None:
    """Count the examples without a prediction and the predictions of no example."""
    ids = {example.id for example in examples}
    what = "questions" if task.kind == "span" else "examples"
    if missing := len(ids - texts.keys()):
        share = f"{missing} of {len(examples)}"
        logger.info(f"{file}: {what} without a prediction, which count 0: {share}")
    if others := [id for id in texts if id not in ids]:
        logger.info(
            f"{file}: predictions of no example here, which do not count: {len(others)}, "
            f"the first: {others[0]!r}"
        )


def read_files(task: Task[Any], data: Sequence[Path], *, answered: bool = True) -> Examples[Any]:
    """Read a task's files, and log what was left out; where answers begin does not matter here.

    A folder stands for its official validation file, `hub` for that of the task's dataset there.
    """
    paths = with_hub(task.name, task.files, data, "validation")
    examples = task.read(with_folders(task.name, task.files, paths), answered=answered)
    if summary := replace(examples.report, repaired=()).summary():
        logger.info(f"{', '.join(map(str, paths))}: {summary}")
    return examples


def log_unknown(
    task: Task[Any], predictions: Mapping[str, str], outcome: str = "which count as wrong"
) -> None:
    """Count the predictions that are no label of the task, or no number where one is expected."""
    if task.metric_kind not in ("sequence", "regression"):
        return
    what = "label" if task.labels else "number"
    if count := unknown(predictions.values(), task.labels):
        share = f"{count} of {len(predictions)}"
        logger.info(f"predictions that are no {what} of {task.name}, {outcome}: {share}")


def log_report(task: Task[Any], examples: DataSource[Any], predictions: Mapping[str, str]) -> None:
    """Log what the scores do not tell: unknown predictions, and the official script's report."""
    log_unknown(task, predictions)
    _warn_of_one(task, predictions)
    for line in task.report(examples, predictions).splitlines():
        logger.info(line)


def _warn_of_one(task: Task[Any], predictions: Mapping[str, str]) -> None:
    """Warn where all predictions are the same, which a model that learned nothing gives."""
    found = set(predictions.values())
    if task.metric_kind not in ("sequence", "multi_label", "regression") or len(found) != 1:
        return
    if len(predictions) >= _ENOUGH:
        logger.warning(
            f"all {len(predictions)} predictions of {task.name} are {found.pop()!r:.40}: the model "
            "tells nothing apart; try another learning rate, more steps or another seed"
        )
