"""One study from its name to its page: data, grid, report."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from headwater.errors import UserError
from headwater.files import check_writable, whole_lines
from headwater.lock import LOCK, locked
from headwater.studies.grid import JOBS, KEPT, check_grid, run_grid
from headwater.studies.names import find
from headwater.studies.progress import Progress
from headwater.studies.report import write_report
from headwater.studies.results_table import Found
from headwater.studies.study import Cell, Place
from headwater.studies.workers import Workers

_LOCKED = "another process is running this study; wait for it or stop it, or name another folder"


def run_study(name: str, place: Place, jobs: int | None, command: str) -> list[Found]:
    """Run what is left of a study and write its report.

    Args:
        jobs: how many runs at a time; left out: one for each core with `quick`, else one.
        command: that of the user, for the page.

    Raises:
        UserError: there is no such study, its data or models are missing, or a run is refused.
        RuntimeError: a run failed.
    """
    study = find(name)
    _check(place)
    grid = study.cells(place)
    cells = _chosen(grid, place.columns)
    place.folder.mkdir(parents=True, exist_ok=True)
    with locked(place.folder / LOCK, f"{place.folder}: {_LOCKED}"):
        check_grid(grid, place.folder, {"name": name, "budget": place.budget})
        study.prepare(place)
        count = min(jobs or (_cores() if place.budget == "quick" else 1), len(cells))
        threads = _threads(count)
        with Progress(name, place.folder) as progress, Workers(count, threads) as workers:
            results = run_grid(cells, place.folder, workers, progress)
        cost = _cost(place.folder)
        return write_report(study, place, results, cost, command)


def _chosen(grid: Sequence[Cell], columns: Sequence[str]) -> list[Cell]:
    """Return the cells of some columns, or of all where none are named."""
    known = dict.fromkeys(cell.column for cell in grid)
    for column in columns:
        if column not in known:
            raise UserError(f"--column {column}: there are {'; '.join(known)}")
    return [cell for cell in grid if not columns or cell.column in columns]


def _check(place: Place) -> None:
    if place.budget == "full" and place.data is None:
        raise UserError("--budget full reads official data; name their folder: --data DIR")
    options = {
        "--data": place.data,
        "--model": place.models,
        "--scale": place.scale != 1.0,
        "--learning-rate": place.learning_rate,
    }
    given = [option for option, value in options.items() if value]
    if place.budget == "quick" and given:
        raise UserError(f"{given[0]} is for --budget full; the quick budget is what it is")
    if place.data is not None and not place.data.is_dir():
        raise UserError(f"{place.data}: no such folder; --data names that of the official data")
    others = place.folder.is_dir() and any(each.name != LOCK for each in place.folder.iterdir())
    if others and not (place.folder / KEPT).exists():
        raise UserError(f"{place.folder}: holds other files than a study's; name another folder")
    check_writable(place.folder)


def _cost(folder: Path) -> str:
    """Say what the study took and on what; what was cut and begun again is not known."""
    import torch

    jobs = whole_lines(folder / JOBS)
    minutes = sum(job["seconds"] for job in jobs) / 60
    passed = sum(job["seconds"] / job["at_a_time"] for job in jobs) / 60
    most, threads = (max(job[name] for job in jobs) for name in ("at_a_time", "threads"))
    busy = max(job["at_a_time"] * job["threads"] for job in jobs)
    machine = f"{busy} of {_cores()} cores ({platform.machine()})"
    if torch.cuda.is_available():
        machine += f", {torch.cuda.get_device_name()}"
    each = "one thread" if threads == 1 else f"up to {threads} threads"
    return (
        f"{len({(job['kind'], job['job']) for job in jobs})} jobs (trainings and measurements) "
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
