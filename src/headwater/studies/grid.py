"""Running a study's grid: each run once, after those that it builds on; each cell when its run is.

    body-0 ----> cells of seed 0          A result stands in results/CELL.json once it is known, and
    body-1 ----> cells of seed 1          its cell is not done again. A run that was cut goes on.

Models and states are removed as soon as nothing asks for them any more; recipes and logs stay.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import SEEK_END
from pathlib import Path
from typing import Any, Protocol

from headwater.errors import UserError
from headwater.files import read_json, write_json
from headwater.studies.job import Job
from headwater.studies.progress import Progress
from headwater.studies.study import Cell, Result, Run
from headwater.studies.workers import Answer, Failure
from headwater.training.state_folder import compare

KEPT = "study.json"
"""The grid, in a study's folder."""

JOBS = "jobs.jsonl"
"""What each job took, in a study's folder."""


class Hands(Protocol):
    """Who does the jobs.

    threads: those of each job.
    """

    threads: int

    @property
    def free(self) -> int:
        """How many more jobs can be given now."""
        ...

    def give(self, job: Job) -> None:
        """Hand a job over."""
        ...

    def wait(self) -> Sequence[tuple[Job, Answer]]:
        """Wait until something is done, and return what each finished job gave."""
        ...


def check_grid(cells: Sequence[Cell], folder: Path, about: dict[str, object]) -> None:
    """Refuse a grid that cannot be run, or a folder that holds another.

    Args:
        about: what tells this study from others, beside its cells.

    Raises:
        UserError: a recipe is wrong, or the folder holds another study.
    """
    names = [cell.name for cell in cells]
    assert len(set(names)) == len(names), "two cells of one name"
    runs = {run.name: run for cell in cells for run in cell.run.all()}
    for run in runs.values():
        run.checked()
    recipes = {name: run.recipe for name, run in runs.items()}
    grid = {"study": {**about, "cells": names}, "runs": _portable(recipes, folder)}
    kept = folder / KEPT
    if kept.exists():
        _compare(_kept_grid(kept), grid, about, folder)
    write_json(kept, grid)


def _kept_grid(file: Path) -> dict[str, Any]:
    try:
        kept = read_json(file)
    except UserError as error:
        raise UserError(f"{error}; remove it, and the same command goes on") from None
    tables = [kept.get(key) for key in ("study", "runs")] if isinstance(kept, dict) else [None]
    if not all(isinstance(each, dict) for each in tables):
        raise UserError(f"{file}: holds no grid; remove it, and the same command goes on")
    return dict(kept)


def _compare(
    kept: Mapping[str, Any], grid: Mapping[str, Any], about: Mapping[str, object], folder: Path
) -> None:
    """Refuse to go on with another grid than that of the folder."""
    was = {key: kept["study"].get(key) for key in about}
    if was != about:
        held = " ".join(map(str, was.values()))
        raise UserError(f"{folder}: holds the study {held}; name another folder (--output)")
    try:
        compare(_identity(kept), _identity(grid))
    except UserError as error:
        raise UserError(f"{folder}: holds this study with other settings; {error}") from None


def _identity(grid: Mapping[str, Any]) -> dict[str, str]:
    parts = {**grid["runs"], "study": grid["study"]}
    return {key: repr(value) for key, value in parts.items()}


def _portable(value: Any, folder: Path) -> Any:
    """Name what lies in the study's folder by its place there: it is one grid in any folder."""
    if isinstance(value, Mapping):
        return {key: _portable(each, folder) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_portable(each, folder) for each in value]
    if isinstance(value, str) and Path(value).is_relative_to(folder):
        inside = Path(value).relative_to(folder)
        return f"DIR/{inside}" if inside.parts[:1] in (("runs",), ("data",), ("stores",)) else value
    return value


def run_grid(cells: Sequence[Cell], folder: Path, hands: Hands, progress: Progress) -> list[Result]:
    """Do what is not done yet and return the results of all cells, in their order.

    Raises:
        UserError: a recipe, its files or its model are wrong.
        RuntimeError: a job failed; its words are in the error.
    """
    found = {cell.name: kept for cell in cells if (kept := _kept(cell, folder))}
    open_cells = [cell for cell in cells if cell.name not in found]
    for cell in cells:
        if cell.name in found:  # a kill may have come before its sweep
            _sweep(cell, open_cells, folder)
    runs = {run.name: run for cell in open_cells for run in cell.run.all()}
    waiting = {f"run {name}": Job(name, run, folder) for name, run in runs.items()}
    waiting |= {f"cell {cell.name}": Job(cell.name, cell, folder) for cell in open_cells}
    trained: set[str] = set()
    progress.start(len(cells) + len(runs), len(found))
    going: dict[Job, float] = {}
    cost = {"at_a_time": hands.free, "threads": hands.threads}
    while waiting or going:
        ready = [key for key, job in waiting.items() if _ready(job, trained)]
        ready.sort(key=lambda key: isinstance(waiting[key].work, Run))  # cells free the disk
        for key in ready[: hands.free]:
            job = waiting.pop(key)
            going[job] = time.monotonic()
            hands.give(job)
        for job, answer in hands.wait():
            seconds = time.monotonic() - going.pop(job)
            if isinstance(answer, Failure):
                raise _error(job, answer)
            _note(folder, job, seconds, cost)
            if isinstance(job.work, Run):
                trained.add(job.work.name)
            else:
                assert isinstance(answer, Result)
                write_json(_file(job.work, folder), asdict(answer))
                found[job.work.name] = answer
                _sweep(job.work, [cell for cell in cells if cell.name not in found], folder)
            progress.done(job, answer)
    return [found[cell.name] for cell in cells]


def _note(folder: Path, job: Job, seconds: float, cost: Mapping[str, int]) -> None:
    kind = "training" if isinstance(job.work, Run) else "measurement"
    line = {"job": job.name, "kind": kind, "seconds": round(seconds, 2), **cost}
    with (folder / JOBS).open("ab+") as file:
        torn = file.tell() > 0 and file.seek(-1, SEEK_END) and file.read() != b"\n"
        file.write(("\n" if torn else "").encode() + json.dumps(line).encode() + b"\n")


def _ready(job: Job, trained: set[str]) -> bool:
    if isinstance(job.work, Cell):
        return job.work.run.name in trained
    return all(run.name in trained for run in job.work.after)


def _file(cell: Cell, folder: Path) -> Path:
    return folder / "results" / f"{cell.name}.json"


def _kept(cell: Cell, folder: Path) -> Result | None:
    file = _file(cell, folder)
    if not file.exists():
        return None
    try:
        return Result(**read_json(file))
    except (TypeError, UserError):
        raise UserError(f"{file}: holds no result; remove it, and it is measured again") from None


def _sweep(done: Cell, left: Sequence[Cell], folder: Path) -> None:
    """Remove the weights of the runs of a cell that no other cell is waiting for."""
    needed = {run.name for cell in left for run in cell.run.all()}
    for run in done.run.all():
        if run.name not in needed:
            for part in ("model", "best", "state"):
                shutil.rmtree(folder / "runs" / run.name / part, ignore_errors=True)


def _error(job: Job, failure: Failure) -> Exception:
    message = f"{job.name}: {failure.reason}"
    return UserError(message) if failure.mistake else RuntimeError(message)
