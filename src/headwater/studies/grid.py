"""Running a study's grid: each run once, after those it builds on; each trial when its run is done.

    body-0 ----> trials of seed 0         A result is in results/TRIAL.json once it is known, and
    body-1 ----> trials of seed 1         its trial is not run again. An interrupted run resumes.

Models and states are removed as soon as no open trial needs them; recipes and logs stay. Progress
is a bar, or a line for each job:

    transfer 12/48  random-200-1: 54.3 after 2.1 s  0:03:10 left
"""

import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import SEEK_END
from pathlib import Path
from typing import Protocol, Self

from headwater.errors import UserError
from headwater.files import read_json, write_json
from headwater.progress import Display, Progress
from headwater.studies.job import Job
from headwater.studies.study import GridRun, Result, Trial
from headwater.studies.workers import Answer, Failure

logger = logging.getLogger(__name__)


class StudyProgress:
    """Reports how many of the jobs are done, and how to resume a study that is stopped."""

    def __init__(self, study: str, folder: Path) -> None:
        self._study, self._folder = study, folder
        self._jobs_done = 0
        self._progress = Progress(Display(study, logger))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._progress.close()
        if kind in (SystemExit, KeyboardInterrupt):
            logger.info("%s: stopped; the same command goes on", self._study)

    def start(self, total: int, done: int) -> None:
        """Report the number of jobs, and how many earlier commands did."""
        logger.info("%s %d/%d  in %s", self._study, done, total, self._folder)
        self._jobs_done = done
        self._progress.start(total, done)

    def done(self, job: Job, answer: object) -> None:
        """Report one more job with its answer."""
        self._jobs_done += 1
        self._progress.advance(self._jobs_done)
        text = f"{job.name}: trained"
        if isinstance(answer, Result):
            text = f"{job.name}: {answer.value:.1f} after {answer.seconds:.1f} s"
        self._progress.report(f"{{name}} {{done}}/{{total}}  {text}  {{left}} left", text)


JOBS = "jobs.jsonl"
"""What each job took, in a study's folder."""


class Pool(Protocol):
    """Does the jobs; `threads`: those of each job."""

    threads: int

    @property
    def free(self) -> int:
        """How many more jobs can be taken now."""
        ...

    def submit(self, job: Job) -> None:
        """Take a job."""
        ...

    def wait(self) -> Sequence[tuple[Job, Answer]]:
        """Wait until something is done, and return what each finished job gave."""
        ...


def run_grid(
    trials: Sequence[Trial], folder: Path, pool: Pool, progress: StudyProgress
) -> list[Result]:
    """Do the jobs that are left and return the results of all trials, in their order.

    Raises:
        RuntimeError: a job failed, though no setting was wrong.
    """
    results = {trial.name: known for trial in trials if (known := _known(trial, folder))}
    for trial in trials:
        if trial.name in results:  # a kill may have come before its weights were removed
            _remove_weights(trial, _open(trials, results), folder)
    waiting = _jobs(_open(trials, results), folder)
    progress.start(len(results) + len(waiting), len(results))
    trained: set[str] = set()
    started: dict[Job, float] = {}
    cost = {"at_a_time": pool.free, "threads": pool.threads}
    while waiting or started:
        ready = [job for job in waiting if _ready(job, trained)]
        ready.sort(key=lambda job: isinstance(job.work, GridRun))  # trials free the disk
        for job in ready[: pool.free]:
            waiting.remove(job)
            started[job] = time.monotonic()
            pool.submit(job)
        for job, answer in pool.wait():
            seconds = time.monotonic() - started.pop(job)
            if isinstance(answer, Failure):
                raise _error(job, answer)
            _note(folder, job, seconds, cost)
            if isinstance(answer, Result):
                assert isinstance(job.work, Trial)
                write_json(_file(job.work, folder), asdict(answer))
                results[job.name] = answer
                _remove_weights(job.work, _open(trials, results), folder)
            else:
                trained.add(job.name)
            progress.done(job, answer)
    return [results[trial.name] for trial in trials]


def _open(trials: Sequence[Trial], results: Mapping[str, Result]) -> list[Trial]:
    return [trial for trial in trials if trial.name not in results]


def _jobs(trials: Sequence[Trial], folder: Path) -> list[Job]:
    """Return the jobs of some trials, a shared run once."""
    runs = {run.name: run for trial in trials for run in trial.run.with_ancestors()}
    work: list[GridRun | Trial] = [*runs.values(), *trials]
    return [Job(each.name, each, folder) for each in work]


def _ready(job: Job, trained: set[str]) -> bool:
    needed = (job.work.run,) if isinstance(job.work, Trial) else job.work.after
    return all(run.name in trained for run in needed)


def _note(folder: Path, job: Job, seconds: float, cost: Mapping[str, int]) -> None:
    """Append what a job took; a line that a kill tore is ended first."""
    kind = "training" if isinstance(job.work, GridRun) else "measurement"
    line = {"job": job.name, "kind": kind, "seconds": round(seconds, 2), **cost}
    with (folder / JOBS).open("ab+") as file:
        torn = file.tell() > 0 and file.seek(-1, SEEK_END) and file.read() != b"\n"
        file.write(("\n" if torn else "").encode() + json.dumps(line).encode() + b"\n")


def _file(trial: Trial, folder: Path) -> Path:
    return folder / "results" / f"{trial.name}.json"


def _known(trial: Trial, folder: Path) -> Result | None:
    file = _file(trial, folder)
    if not file.exists():
        return None
    try:
        return Result(**read_json(file))
    except (TypeError, UserError):
        raise UserError(f"{file}: holds no result; remove it, and it is measured again") from None


def _remove_weights(done: Trial, others: Sequence[Trial], folder: Path) -> None:
    """Remove the weights of a trial's runs that no open trial needs."""
    needed = {run.name for trial in others for run in trial.run.with_ancestors()}
    for run in done.run.with_ancestors():
        if run.name not in needed:
            for part in ("model", "best", "state"):
                shutil.rmtree(folder / "runs" / run.name / part, ignore_errors=True)


def _error(job: Job, failure: Failure) -> Exception:
    message = f"{job.name}: {failure.reason}"
    return UserError(message) if failure.mistake else RuntimeError(message)
