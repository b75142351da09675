"""Running the tasks of a stage on this machine.

On `datatrove`'s own base, with its files for completed tasks. Its LocalPipelineExecutor would do
too, but it starts a manager process that outlives a killed run, and it writes its log to
standard error.
"""

import multiprocessing
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from datatrove.executor.base import PipelineExecutor
from loguru import logger


class LocalExecutor(PipelineExecutor):  # type: ignore[misc]
    """Runs the tasks that are not done yet, `workers` at a time.

    Args:
        pipeline: the steps of every task.
        tasks: how many there are.
        workers: how many processes; with 1 all is done in this one.
        logging_dir: where completed tasks are noted.
    """

    def __init__(
        self, pipeline: Sequence[Any], tasks: int, workers: int, logging_dir: Path
    ) -> None:
        super().__init__(list(pipeline), str(logging_dir))
        self.tasks = tasks
        self.workers = workers

    @property
    def world_size(self) -> int:
        """How many tasks there are."""
        return self.tasks

    def get_distributed_env(self, node_rank: int = -1) -> dict[str, str]:
        """Return what `datatrove` puts into the environment."""
        names = ("node_ips", "cpus_per_task", "mem_per_cpu", "gpus_on_node")
        values = dict.fromkeys((f"datatrove_{name}" for name in names), "-1")
        return values | {"datatrove_node_ips": "localhost", "datatrove_executor": "LOCAL"}

    def run(self) -> None:
        """Run them; what a task raises ends it all and is raised here."""
        ranks = self.get_incomplete_ranks()
        workers = min(self.workers, len(ranks))
        if workers <= 1:
            for rank in ranks:
                _run_task(self, rank)
            return
        context = multiprocessing.get_context("forkserver" if hasattr(signal, "SIGKILL") else None)
        with context.Pool(workers, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
            for _ in pool.imap_unordered(partial(_run_task, self), ranks):
                pass


def _run_task(executor: LocalExecutor, rank: int) -> None:
    logger.disable("datatrove")
    try:
        executor._run_for_rank(rank)
    finally:
        logger.enable("datatrove")
