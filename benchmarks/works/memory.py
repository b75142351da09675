"""Memory of fine-tuning: the peak of the process over what its steps' tensors take.

The peak is that of the resident memory, less what was resident before the model was built. A
second run of the same steps keeps count of the tensors that are alive, weights included.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.harness.turns import Turns
from benchmarks.harness.work import Absent, Context, Facts, Side, Work
from benchmarks.works.finetune_spans import BATCH, batches, read_windows
from benchmarks.works.reader_peers import FOLDER
from benchmarks.works.training import loop, train
from headwater.checkpoints.folder import load_model
from headwater.device import peak_memory
from headwater.training.config import BatchSize, TrainingConfig

STEPS = 8  # of as many shapes


class Alive(TorchDispatchMode):
    """Counts the bytes of all tensors that an operation read or made and that still live."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[int, tuple[StorageWeakRef, int]] = {}
        self.bytes = self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for each in tree_leaves((args, kwargs, found)):
            if isinstance(each, torch.Tensor):
                self._add(each)
        if self.bytes > self.peak:
            self._drop()
            self.peak = max(self.peak, self.bytes)
        return found

    def _add(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        reference = StorageWeakRef(storage)
        if reference.cdata not in self.known:
            self.known[reference.cdata] = (reference, storage.nbytes())
            self.bytes += storage.nbytes()

    def _drop(self) -> None:
        gone = [key for key, (reference, _) in self.known.items() if reference.expired()]
        for key in gone:
            self.bytes -= self.known.pop(key)[1]


class Once:
    """One turn without a clock, for a training that is run for another purpose."""

    seconds = 1.0

    def __init__(self) -> None:
        self._left = 1

    def __iter__(self) -> Iterator[None]:
        return self

    def __next__(self) -> None:
        if not self._left:
            raise StopIteration
        self._left -= 1

    def count(self, items: int) -> None:
        """Do without."""


@contextmanager
def peak_of(facts: dict[str, float]) -> Iterator[None]:
    """Write down the memory that what is inside takes at most."""
    before = resident()
    yield
    peak = peak_memory(torch.device("cpu"))
    assert peak is not None
    facts["peak MiB"] = (peak - before) / 2**20


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        raise Absent("memory is read from /proc, which this system does not have")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(turns: Turns, run: Any) -> Facts:
    """Train twice, and give the peak over the tensors."""
    facts: dict[str, float] = {}
    for _ in turns:
        with peak_of(facts):
            run()
        with Alive() as alive:
            run()
        facts["tensors MiB"] = alive.peak / 2**20
        turns.give(facts["peak MiB"] / facts["tensors MiB"])
    return facts


def headwaters(turns: Turns, context: Context) -> Facts:
    """Train by the Trainer."""
    windows = read_windows(context)
    tokens = int(BATCH * windows.lengths.mean())
    config = TrainingConfig(steps=10**6, batch=BatchSize(tokens=tokens))

    def run() -> None:
        model = load_model(FOLDER, "span").model
        once: Any = Once()
        train(once, model, windows, config, pad_id=0, steps=STEPS, size=lambda _: 1)

    return measure(turns, run)


def transformers(turns: Turns, context: Context) -> Facts:
    """Train in the loop tuned by hand."""
    from transformers import BertForQuestionAnswering

    windows = read_windows(context)

    def run() -> None:
        network = BertForQuestionAnswering.from_pretrained(FOLDER, dtype=torch.float32)
        once: Any = Once()
        loop(once, network, batches(windows, tuned=True), steps=STEPS, size=lambda _: 1)

    return measure(turns, run)


WORK = Work(
    "memory",
    "memory of MiniLM's training, over its tensors",
    "times",
    (Side("headwater", headwaters), Side("transformers tuned", transformers, ("transformers",))),
    lower=True,
    turns=1,
)
