"""Processes that do the jobs of a study, each one at a time on its share of the cores.

A worker loads torch once. It belongs to a process group of its own, so that Ctrl-C reaches the
study alone, which then tells its workers to stop: a training saves its state first. It also stops
when the study's process is gone, however that ended.
"""

import os
import signal
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Any, NoReturn, Self

from headwater.errors import UserError
from headwater.studies.job import Job
from headwater.studies.study import Result


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job could not be done; `mistake`: by the user's recipe or files."""

    reason: str
    mistake: bool


Answer = Result | Failure | None


class Workers:
    """So many processes, while entered; SIGTERM and Ctrl-C end them and what is entered."""

    def __init__(self, count: int, threads: int) -> None:
        self._count, self.threads = count, threads
        self._processes: dict[Connection, Any] = {}
        self._busy: dict[Connection, Job] = {}
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            signals = (signal.SIGINT, signal.SIGTERM)
            self._before = {number: signal.signal(number, _end) for number in signals}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for ours, process in self._processes.items():
            process.terminate()
            ours.close()  # a training that heard the signal when it was over asks for more
        for process in self._processes.values():
            process.join()

    @property
    def free(self) -> int:
        """How many more jobs can be given now."""
        return self._count - len(self._busy)

    def give(self, job: Job) -> None:
        """Hand a job to a worker that has none; it is started if need be."""
        living = [each for each, process in self._processes.items() if process.is_alive()]
        idle = [each for each in living if each not in self._busy]
        ours = idle[0] if idle else self._started()
        self._busy[ours] = job
        ours.send(job)

    def _started(self) -> Connection:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self.threads), daemon=True)
        process.start()
        theirs.close()
        self._processes[ours] = process
        return ours

    def wait(self) -> Sequence[tuple[Job, Answer]]:
        """Wait until something is done, and return what each finished job gave."""
        ready = [each for each in wait(list(self._busy)) if isinstance(each, Connection)]
        return [(self._busy.pop(each), self._answer(each)) for each in ready]

    def _answer(self, ours: Connection) -> Answer:
        try:
            answer: Answer = ours.recv()
        except (EOFError, ConnectionResetError):
            process = self._processes.pop(ours)
            process.join()
            return Failure(f"its process ended with code {process.exitcode}", mistake=False)
        return answer


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _work(study: Connection, threads: int) -> None:
    """Do jobs until there are no more."""
    os.setpgrp()
    threading.Thread(target=_end_with_the_study, daemon=True).start()
    import torch

    torch.set_num_threads(threads)
    while True:
        try:
            job: Job = study.recv()
            study.send(_done(job))
        except (EOFError, ConnectionError):
            return


def _done(job: Job) -> Answer:
    try:
        return job.perform()
    except UserError as error:
        return Failure(str(error), mistake=True)
    except Exception:
        return Failure(traceback.format_exc(), mistake=False)


def _end_with_the_study() -> None:
    study = parent_process()
    assert study is not None
    study.join()
    os.kill(os.getpid(), signal.SIGTERM)
