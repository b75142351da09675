"""Writing a state in parts: each process its own, in a thread, while training goes on.

Training waits for the copy to host memory, and for the state before.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import final

from torch import Tensor
from torch import distributed as dist
from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions

from headwater.distributed.processes import Processes, Together, each
from headwater.errors import UserError
from headwater.files import replacing_folder, sha256
from headwater.training.shards import shard_of, write_shards
from headwater.training.state_writers import Groups, finish_folder


@final
class PartWriter:
    """Lets each process write its part, in a thread. One folder is written at a time.

    Args:
        timeout: seconds in which the others answer.
    """

    def __init__(self, processes: Processes, timeout: int) -> None:
        self._training = processes
        # the thread's messages must not meet those of training
        patience = timedelta(seconds=timeout)
        self._group: dist.ProcessGroup = dist.new_group(backend="gloo", timeout=patience)
        self._processes = Together(self._group)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writing-states")
        self._under_way: Future[None] | None = None

    def check(self, folder: Path) -> None:
        """Make a folder if need be, and refuse it where not all processes see the same one."""

        def sign() -> str:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=folder, prefix=".seen.", suffix=".tmp")
            os.close(handle)
            return Path(name).name

        def look() -> None:  # each machine may have a folder of that name
            if not (folder / name).is_file():
                raise UserError(
                    f"{folder}: not seen by every process; with training.shard the run folder "
                    "must be on a disk that all machines share"
                )

        name = self._training.first(sign)
        try:
            each(self._training, look)
        finally:
            self._training.first((folder / name).unlink)

    def write(
        self, folder: Path, groups: Groups, others: Mapping[str, str], then: Callable[[], None]
    ) -> None:
        """Copy the tensors to host memory; a thread writes them."""
        self.wait()
        flat = {
            f"{name}/{key}": each for name, group in groups.items() for key, each in group.items()
        }
        stager = DefaultStager(StagingOptions(False, False, False, False))
        staged = stager.stage(flat)
        assert isinstance(staged, dict)
        stager.close()
        others = dict(others)
        self._under_way = self._thread.submit(self._write, folder, staged, others, then)

    def _write(
        self,
        folder: Path,
        tensors: Mapping[str, Tensor],
        others: Mapping[str, str],
        then: Callable[[], None],
    ) -> None:
        first = self._processes.first
        with ExitStack() as stack:
            unfinished = first(lambda: stack.enter_context(replacing_folder(folder)))
            write_shards(unfinished, tensors, self._group)
            own = shard_of(unfinished, self._processes.rank)
            sums = each(self._processes, lambda: {own.name: sha256(own)} if own.exists() else {})
            known = {name: value for part in sums for name, value in part.items()}
            first(lambda: finish_folder(unfinished, others, known))
            first(stack.close)
        first(then)

    def wait(self) -> None:
        """Wait for the thread."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def close(self) -> None:
        """Wait for the thread, and end it."""
        self._thread.shutdown()
