"""One study from its name to its report: data, grid, page."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from headwater.errors import UserError, counted
from headwater.files import check_writable, whole_lines
from headwater.lock import LOCK, locked
from headwater.studies import grid_file, quick
from headwater.studies.grid import JOBS, StudyProgress, run_grid
from headwater.studies.names import find
from headwater.studies.report import write_report
from headwater.studies.results_table import Finding
from headwater.studies.study import StudyContext, Trial
from headwater.studies.workers import Workers

_IN_USE = "another process is running this study; wait for it or stop it, or name another folder"


def run_study(name: str, context: StudyContext, jobs: int | None, command: str) -> list[Finding]:
    """Run the rest of a study and write its report.

    Args:
        jobs: concurrent runs; None: one per core with `quick`, else one.
        command: what the user typed, for the report.
    """
    study = find(name)
    _check(context)
    grid = study.trials(context)
    trials = _of_columns(grid, context.columns)
    context.folder.mkdir(parents=True, exist_ok=True)
    with locked(context.folder / LOCK, f"{context.folder}: {_IN_USE}"):
        grid_file.check_grid(grid, context.folder, {"name": name, "budget": context.budget})
        quick.prepare(context)
        if study.prepare:
            study.prepare(context)
        count = min(jobs or (_cores() if context.budget == "quick" else 1), len(trials))
        threads = _threads(count)
        with StudyProgress(name, context.folder) as progress, Workers(count, threads) as workers:
            results = run_grid(trials, context.folder, workers, progress)
        cost = _cost(context.folder)
        return write_report(study, context, results, cost, command)


def _of_columns(grid: Sequence[Trial], columns: Sequence[str]) -> list[Trial]:
    """Return the trials of some columns, or of all where none are named."""
    known = dict.fromkeys(trial.column for trial in grid)
    for column in columns:
        if column not in known:
            raise UserError(f"--column {column}: there are {'; '.join(known)}")
    return [trial for trial in grid if not columns or trial.column in columns]


def _check(context: StudyContext) -> None:
    if context.budget == "full" and context.data is None:
        raise UserError("--budget full reads official data; name their folder: --data DIR")
    options = {
        "--data": context.data,
        "--model": context.models,
        "--scale": context.scale != 1.0,
        "--learning-rate": context.learning_rate,
    }
    given = [option for option, value in options.items() if value]
    if context.budget == "quick" and given:
        raise UserError(f"{given[0]} is for --budget full; the quick budget is what it is")
    if context.data is not None and not context.data.is_dir():
        raise UserError(f"{context.data}: no such folder; --data names that of the official data")
    others = context.folder.is_dir() and any(each.name != LOCK for each in context.folder.iterdir())
    if others and not (context.folder / grid_file.NAME).exists():
        raise UserError(f"{context.folder}: holds other files than a study's; name another folder")
    check_writable(context.folder)


def _cost(folder: Path) -> str:
    """Describe the cost and the machine; work lost by an interruption is not counted.

    A job whose result a kill kept from being written stands twice; the longer time counts.
    """
    import torch

    lines = sorted(whole_lines(folder / JOBS), key=lambda job: float(job["seconds"]))
    jobs = {(job["kind"], job["job"]): job for job in lines}.values()
    minutes = sum(job["seconds"] for job in jobs) / 60
    passed = sum(job["seconds"] / job["at_a_time"] for job in jobs) / 60
    most, threads = (max(job[name] for job in jobs) for name in ("at_a_time", "threads"))
    busy = max(job["at_a_time"] * job["threads"] for job in jobs)
    machine = f"{busy} of {_cores()} cores ({platform.machine()})"
    if torch.cuda.is_available():
        machine += f", {torch.cuda.get_device_name()}"
    each = "one thread" if threads == 1 else f"up to {threads} threads"
    return (
        f"{counted(len(jobs), 'job')} (trainings and measurements) "
        f"took {minutes:.1f} minutes in all, {'one' if most == 1 else f'up to {most}'} at a time "
        f"with {each} each: about {passed:.1f} minutes, on {machine}, torch {torch.__version__}."
    )


def _threads(count: int) -> int:
    """Return a worker's share of the cores, within what OMP_NUM_THREADS allows it."""
    share = max(1, _cores() // count)
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return min(share, int(allowed)) if allowed.isdigit() and int(allowed) else share


def _cores() -> int:
    return os.cpu_count() or 1
