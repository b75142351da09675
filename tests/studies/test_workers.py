"""The processes of a study, when one of them is killed."""

import importlib
import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from headwater.studies.job import Job
from headwater.studies.study import GridRun
from headwater.studies.workers import Failure, Workers

DEAF = """
import os, signal, time

class Deaf:
    def __init__(self, begun):
        self.begun = begun

    def perform(self):
        signal.signal(signal.SIGTERM, lambda *_: None)
        self.begun.write_text(str(os.getpid()))
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


STUDY = """
import sys, time
from pathlib import Path
from deaf_job import Deaf
from headwater.studies.workers import Workers

if __name__ == "__main__":
    with Workers(1, 1) as workers:
        workers.submit(Deaf(Path(sys.argv[1])))
        time.sleep(60)
"""


@pytest.mark.timeout(60)
def test_no_worker_outlives_a_study_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "deaf_job.py").write_text(DEAF)
    (tmp_path / "study.py").write_text(STUDY)
    begun = tmp_path / "begun"
    with subprocess.Popen([sys.executable, str(tmp_path / "study.py"), str(begun)]) as study:
        while not (begun.exists() and begun.read_text()):
            assert study.poll() is None
            time.sleep(0.05)
        study.kill()
    worker = int(begun.read_text())
    while _is_running(worker):
        time.sleep(0.05)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


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
