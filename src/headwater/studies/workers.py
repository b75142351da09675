"""Processes that do the jobs of a study, each one at a time on its share of the cores.

A worker loads torch once. It belongs to a process group of its own, so that Ctrl-C reaches the
study alone. When the study ends, however it ends, its end of a pipe is closed. Each worker then
sends itself SIGTERM, so that a training saves its state, and exits after its job.
"""

import os
import signal
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Self

from headwater.errors import UserError
from headwater.signals import exiting
from headwater.studies.job import Job
from headwater.studies.study import Result


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed; `mistake`: because of the user's recipe or files."""

    reason: str
    mistake: bool


Answer = Result | Failure | None


@dataclass(frozen=True, slots=True)
class _Assignment:
    job: Job
    worker: ProcessPoolExecutor
    reused: bool


class Workers:
    """A context of `count` processes, which SIGTERM and Ctrl-C end.

    Each is a pool of one process, so that the death of one does not affect the others.
    """

    def __init__(self, count: int, threads: int) -> None:
        self._count, self.threads = count, threads
        self._context = get_context("spawn")
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[Future[Answer], _Assignment] = {}
        self._leaving = ExitStack()

    def __enter__(self) -> Self:
        self._study_end, self._open_while_the_study_runs = self._context.Pipe(duplex=False)
        self._leaving.callback(self._stop)
        self._leaving.enter_context(exiting())
        return self

    def __exit__(self, *exception: object) -> None:
        self._leaving.close()

    def _stop(self) -> None:
        self._open_while_the_study_runs.close()
        for worker in (*self._idle, *(each.worker for each in self._busy.values())):
            worker.shutdown(cancel_futures=True)

    @property
    def free(self) -> int:
        """The number of idle workers."""
        return self._count - len(self._busy)

    def submit(self, job: Job) -> None:
        """Give a job to an idle worker, or to a new one."""
        while self._idle:
            try:
                return self._assign(job, self._idle.pop(), reused=True)
            except BrokenProcessPool:  # it was killed while it had no job
                pass
        arguments = (self._study_end, self.threads)
        new = ProcessPoolExecutor(1, self._context, initializer=_begin, initargs=arguments)
        return self._assign(job, new, reused=False)

    def _assign(self, job: Job, worker: ProcessPoolExecutor, *, reused: bool) -> None:
        self._busy[worker.submit(_perform, job)] = _Assignment(job, worker, reused)

    def wait(self) -> Sequence[tuple[Job, Answer]]:
        """Wait until a job is done, and return the answers of all finished jobs."""
        answers: list[tuple[Job, Answer]] = []
        while not answers:
            for future in wait(self._busy, return_when=FIRST_COMPLETED).done:
                assignment = self._busy.pop(future)
                try:
                    answers.append((assignment.job, future.result()))
                    self._idle.append(assignment.worker)
                except BrokenProcessPool:
                    if assignment.reused:  # it may have been killed before it had the job
                        self.submit(assignment.job)
                    else:
                        answers.append((assignment.job, Failure("its process was killed", False)))
        return answers


_working = threading.Lock()
"""In a worker: locked while it has a job."""


def _begin(study_end: Connection, threads: int) -> None:
    """Set a worker up."""
    os.setpgrp()
    threading.Thread(target=_terminate_with_the_study, args=(study_end,), daemon=True).start()
    import torch

    torch.set_num_threads(threads)


def _perform(job: Job) -> Answer:
    try:
        with _working:
            return job.perform()
    except UserError as error:
        return Failure(str(error), mistake=True)
    except SystemExit as stop:
        return Failure(f"its training was stopped (exit code {stop.code})", mistake=False)
    except Exception:
        return Failure(traceback.format_exc(), mistake=False)


def _terminate_with_the_study(study_end: Connection) -> None:
    """Wait for the end of a pipe into which nothing is ever written."""
    study_end.poll(None)
    os.kill(os.getpid(), signal.SIGTERM)
    with _working:  # the pool would wait for more jobs, also of a study that was killed
        os._exit(128 + signal.SIGTERM)
