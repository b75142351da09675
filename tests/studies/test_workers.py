"""The processes of a study, when one of them is killed."""

import importlib
import os
import signal
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from headwater.studies.job import Job
from headwater.studies.study import GridRun
from headwater.studies.workers import Failure, Workers

DEAF = """
import signal, time

class Deaf:
    def __init__(self, begun):
        self.begun = begun

    def perform(self):
        signal.signal(signal.SIGTERM, lambda *_: None)
        self.begun.touch()
        time.sleep(1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
"""
"""A job that is told to stop when it has just ended, as a training that saves its model."""


@pytest.mark.timeout(60)
def test_a_worker_that_hears_the_signal_too_late_ends_with_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deaf_job.py").write_text(DEAF)
    monkeypatch.syspath_prepend(tmp_path)  # the worker's, too
    started = tmp_path / "begun"
    job: Job = importlib.import_module("deaf_job").Deaf(started)
    with Workers(1, 1) as workers:
        workers.submit(job)
        while not started.exists():
            time.sleep(0.05)
    assert active_children() == []


def test_a_worker_that_was_killed_while_idle_is_replaced(tmp_path: Path) -> None:
    job = Job("wrong", GridRun("wrong", {"task": "no such task"}), tmp_path)
    answers = []
    with Workers(1, 1) as workers:
        for _ in range(2):
            workers.submit(job)
            [(done, answer)] = workers.wait()
            assert done is job
            answers.append(answer)
            [process] = active_children()
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
    assert answers[0] == answers[1]
    assert isinstance(answers[0], Failure)
    assert answers[0].mistake
