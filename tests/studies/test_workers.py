"""The processes of a study, when one of them is killed."""

import os
import signal
from pathlib import Path

from headwater.studies.cell import Job
from headwater.studies.study import Run
from headwater.studies.workers import Failure, Workers


def test_a_worker_that_was_killed_while_idle_is_replaced(tmp_path: Path) -> None:
    job = Job("wrong", Run("wrong", {"task": "no such task"}), tmp_path)
    answers = []
    with Workers(1, 1) as workers:
        for _ in range(2):
            workers.give(job)
            [(done, answer)] = workers.wait()
            assert done is job
            answers.append(answer)
            [process] = [each for each in workers._processes.values() if each.is_alive()]
            os.kill(process.pid, signal.SIGKILL)
            process.join()
    assert answers[0] == answers[1]
    assert isinstance(answers[0], Failure)
    assert answers[0].mistake
