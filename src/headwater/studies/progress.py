"""How a study goes: a bar, or a line for each job.

transfer 0/48  in runs/studies/transfer-quick
transfer 12/48  random-200-1: 54.3 after 2.1 s  0:03:10 left
"""

import logging
from pathlib import Path
from typing import Self

from headwater.messages import Display, Progress
from headwater.studies.job import Job
from headwater.studies.study import Result

logger = logging.getLogger(__name__)


class StudyProgress:
    """Says how many of the jobs are done, and how to go on where the study is stopped."""

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
        """The work begins; so many jobs were done before."""
        logger.info("%s %d/%d  in %s", self._study, done, total, self._folder)
        self._jobs_done = done
        self._progress.start(total, done)

    def done(self, job: Job, answer: object) -> None:
        """A job is done."""
        self._jobs_done += 1
        self._progress.advance(self._jobs_done)
        text = f"{job.name}: trained"
        if isinstance(answer, Result):
            text = f"{job.name}: {answer.value:.1f} after {answer.seconds:.1f} s"
        self._progress.report(f"{{name}} {{done}}/{{total}}  {text}  {{left}} left", text)
