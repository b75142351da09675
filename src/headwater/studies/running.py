"""One study from its name to its page: data, grid, report."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from headwater.errors import UserError
from headwater.files import check_writable
from headwater.lock import locked
from headwater.studies.grid import JOBS, KEPT, check_grid, run_grid
from headwater.studies.names import find
from headwater.studies.progress import Progress
from headwater.studies.report import write_report
from headwater.studies.study import Place
from headwater.studies.table import Found
from headwater.studies.workers import Workers

_HELD = "another process is running this study; wait for it or stop it, or name another folder"


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
    place.folder.mkdir(parents=True, exist_ok=True)
    with locked(place.folder, _HELD):
        cells = study.cells(place)
        check_grid(cells, place.folder, {"name": name, "budget": place.budget})
        study.prepare(place)
        count = min(jobs or (_cores() if place.budget == "quick" else 1), len(cells))
        threads = _threads(count)
        progress = Progress(name)
        try:
            with Workers(count, threads) as workers:
                results = run_grid(cells, place.folder, workers, progress)
        finally:
            progress.close()
        cost = _cost(place.folder, count, threads)
        return write_report(study, place, results, cost, command)


def _check(place: Place) -> None:
    if place.budget == "full" and place.data is None:
        raise UserError("--budget full reads official data; name their folder: --data DIR")
    if place.budget == "quick" and place.scale != 1.0:
        raise UserError("--scale is for --budget full; the quick budget is what it is")
    if place.data is not None and not place.data.is_dir():
        raise UserError(f"{place.data}: no such folder; --data names that of the official data")
    others = place.folder.is_dir() and any(place.folder.iterdir())
    if others and not (place.folder / KEPT).exists():
        raise UserError(f"{place.folder}: holds other files than a study's; name another folder")
    check_writable(place.folder)


def _cost(folder: Path, count: int, threads: int) -> str:
    """Say what the study took and on what."""
    lines = (folder / JOBS).read_text(encoding="utf-8").splitlines()
    jobs: Sequence[dict[str, float]] = [json.loads(line) for line in lines]
    minutes = sum(job["seconds"] for job in jobs) / 60
    import torch

    machine = f"{_cores()} cores ({platform.machine()})"
    if torch.cuda.is_available():
        machine += f", {torch.cuda.get_device_name()}"
    return (
        f"{len(jobs)} jobs (trainings and measurements) took {minutes:.1f} minutes in all, "
        f"{count} at a time with {threads} {'thread' if threads == 1 else 'threads'} each: about "
        f"{minutes / count:.1f} minutes on {machine}, torch {torch.__version__}."
    )


def _threads(count: int) -> int:
    """Return a worker's share of the cores, within what OMP_NUM_THREADS allows it."""
    share = max(1, _cores() // count)
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return min(share, int(allowed)) if allowed.isdigit() and int(allowed) else share


def _cores() -> int:
    return os.cpu_count() or 1
