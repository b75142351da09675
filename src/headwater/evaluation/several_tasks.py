"""Measuring on several tasks or a whole benchmark: one summary, one folder for each task.

The average of a benchmark counts its tasks as the leaderboard does; when not all were measured, it
is over those that were, and says so. Tasks chosen by name are averaged over their main metrics.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Unpack

from headwater.checkpoints.hub import resolve
from headwater.data.task import Task
from headwater.distributed.joining import joined
from headwater.errors import UserError, counted
from headwater.evaluation.choice import Selected, models_for, select_tasks
from headwater.evaluation.one_task import circumstances, measure, predictor_for
from headwater.evaluation.scoring import read_files
from headwater.files import check_writable, write_json
from headwater.inference.answer import Predictor
from headwater.inference.loaded import LoadedModel, load
from headwater.inference.loading import Loading
from headwater.metrics import benchmark_average
from headwater.metrics.benchmark_average import Benchmark
from headwater.tasks.names import BENCHMARKS

logger = logging.getLogger(__name__)

_AVERAGES: Mapping[str, Mapping[str, Benchmark]] = {
    "glue": {
        "glue": benchmark_average.GLUE,
        "glue_without_wnli": benchmark_average.GLUE_OF_T5,
        "glue_of_bert": benchmark_average.GLUE_OF_BERT,
    },
    "superglue": {"superglue": benchmark_average.SUPERGLUE},
}


@dataclass(frozen=True, slots=True)
class Measured:
    """The scores of one task, in percent by their official names, with their 95% intervals."""

    task: Task[Any]
    examples: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Average:
    """A mean over `tasks` tasks of the `of` that there are."""

    mean: float
    tasks: int
    of: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The scores of several tasks, in the order given; `skipped` has the reasons of the others."""

    tasks: dict[str, Measured]
    averages: dict[str, Average]
    skipped: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return what metrics.json holds."""
        return {
            "tasks": {name: each.metrics for name, each in self.tasks.items()},
            "intervals": {
                name: {metric: [*both] for metric, both in each.intervals.items()}
                for name, each in self.tasks.items()
            },
            "examples": {name: each.examples for name, each in self.tasks.items()},
            "averages": {name: asdict(each) for name, each in self.averages.items()},
            "skipped": self.skipped,
        }


def evaluate_tasks(
    models: Sequence[str],
    names: Sequence[str],
    data: Sequence[Path],
    output: Path | None = None,
    **loading: Unpack[Loading],
) -> Summary:
    """Measure a model, or a model for each task, on the validation files of several tasks.

    Args:
        models: as `choice.models_for` takes them.
        names: tasks, and benchmarks (`glue`, `superglue`): of a benchmark those tasks are measured
            for which there are files and a model; the others are named and skipped.
        data: benchmark folders.
        output: gets metrics.json, and a folder with metrics and predictions for each task.
        loading: see `loaded.load`.
    """
    if output is not None:
        check_writable(output)
    selected, skipped = select_tasks(names, data)
    chosen = models_for(models, [each.task for each in selected])
    for each in selected:
        if each.task.name not in chosen:
            reason = f"no model for it; add --model {each.task.name}=MODEL"
            _skip(each, reason, skipped)
    for model in dict.fromkeys(chosen.values()):
        resolve(model)  # a missing model is an error before any work
    for name, reason in skipped.items():
        logger.info(f"skipped {name}: {reason}")
    with joined(loading.get("device", "auto")) as processes:
        tasks = _by_model(selected, chosen, output, skipped, loading)
        summary = Summary(tasks, dict(_averages(names, tasks)), skipped)
        if output is not None:
            processes.first(lambda: write_json(output / "metrics.json", summary.to_dict()))
    return summary


def _by_model(
    selected: Sequence[Selected],
    chosen: Mapping[str, str],
    output: Path | None,
    skipped: dict[str, str],
    loading: Loading,
) -> dict[str, Measured]:
    """Measure model by model, each loaded once; return the scores in the order given."""
    found: dict[str, Measured] = {}
    for model in dict.fromkeys(chosen.values()):
        group = [each for each in selected if chosen.get(each.task.name) == model]
        found |= _measure(model, group, output, skipped, loading)
    if not found:
        raise UserError(f"no task is left to measure: {', '.join(skipped)} were skipped")
    return {each.task.name: found[each.task.name] for each in selected if each.task.name in found}


def _skip(selected: Selected, reason: str, skipped: dict[str, str]) -> None:
    """Note why a task is left out; raise where it was given by its name."""
    if not selected.optional:
        raise UserError(f"task {selected.task.name}: {reason}")
    skipped[selected.task.name] = reason


def _measure(
    model: str,
    group: Sequence[Selected],
    output: Path | None,
    skipped: dict[str, str],
    loading: Loading,
) -> dict[str, Measured]:
    """Measure one model on its tasks, after a check that it fits them all."""
    loaded: LoadedModel = load(model, **loading)
    fitting: list[tuple[Selected, Predictor[Any]]] = []
    for each in group:
        try:
            fitting.append((each, predictor_for(loaded, each.task)))
        except UserError as error:
            _skip(each, str(error), skipped)
            logger.info(f"skipped {each.task.name}: {error}")
    measured: dict[str, Measured] = {}
    for each, predictor in fitting:
        name, examples = each.task.name, read_files(each.task, each.files)
        begin = time.monotonic()
        task = loaded.read_as(each.task)
        about = circumstances(model, task, each.files, examples, loading)
        result = measure(predictor, task, examples, output and output / name, about)
        seconds = max(1e-9, time.monotonic() - begin)
        rate = len(examples) / seconds
        logger.info(
            f"{name}: {counted(len(examples), 'example')} in {seconds:.1f} s ({rate:.1f}/s)"
        )
        measured[name] = Measured(each.task, len(examples), result.metrics, result.intervals)
    return measured


def _averages(names: Sequence[str], tasks: Mapping[str, Measured]) -> Iterator[tuple[str, Average]]:
    """Yield the averages of the benchmarks, and that of the tasks given by name."""
    metrics = {name: each.metrics for name, each in tasks.items()}
    for benchmark in names:
        for name, averaged in _AVERAGES.get(benchmark, {}).items():
            if scores := benchmark_average.task_scores(metrics, averaged):
                yield name, Average(fmean(scores.values()), len(scores), len(averaged))
    by_name = [name for name in names if name not in BENCHMARKS]
    if len(by_name) > 1:
        main = [metrics[name][tasks[name].task.main_metric] for name in by_name]
        yield "main_metrics", Average(fmean(main), len(main), len(main))
