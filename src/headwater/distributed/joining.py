"""Joining the processes that torchrun started.

    with joined("auto", timeout=1800) as processes:
        processes.gather(...)

Numbers, errors and files go over gloo, gradients on GPUs over NCCL.
"""

import atexit
import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed as dist
from torch.distributed.rendezvous import rendezvous

from headwater.device import choose_device
from headwater.distributed.place import LostProcess, Place, check_alone, place
from headwater.distributed.processes import ONE, Processes, Together
from headwater.errors import UserError

TIMEOUT = 1800
"""Seconds after which a process that does not answer is taken for lost, PyTorch's own default."""

logger = logging.getLogger(__name__)

_PATIENCE = 10.0
"""Seconds of waiting for the others that need no word."""

_ROLL_CALL = timedelta(seconds=5)
_LOOPBACK = re.compile(r"remote=\[(127\.[\d.]+|::1)\]")
_LOST = ("gloo", "connection", "timed out", "timeout", "nccl", "socket", "rendezvous")


@contextmanager
def joined(device: str = "auto", timeout: int = TIMEOUT) -> Iterator[Processes]:
    """Join the processes of torchrun; without torchrun, there is the one process alone.

    They stay together until the program ends: torchrun's store serves one meeting.

    Args:
        device: as a recipe has it; each process takes a GPU of its own.
        timeout: seconds.
    """
    if dist.is_initialized():
        yield Together()
        return
    own = place()
    if own is None:
        check_alone()
        yield ONE
        return
    calling = _join(own, _backend(device, own), timedelta(seconds=timeout))
    processes = Together()
    try:
        yield processes
        dist.barrier()
    except RuntimeError as error:
        if not _is_of_others(error):
            raise
        raise LostProcess(_lost(processes, error, calling)) from None
    atexit.register(dist.destroy_process_group)


def _join(own: Place, backend: str, timeout: timedelta) -> dist.ProcessGroup:
    """Meet the other processes; return a group in which to ask who is still there."""
    waiting = threading.Timer(_PATIENCE, _say_waiting, (own, timeout))
    waiting.daemon = True
    waiting.start()
    try:
        store, rank, world = next(rendezvous("env://", timeout=timeout))
        if own.on_one_machine:  # torchrun keeps one store, with the addresses of before a restart
            store = dist.PrefixStore(f"start-{own.restarts}", store)  # type: ignore[attr-defined]
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=timeout)
        calling: dist.ProcessGroup = dist.new_group(backend="gloo", timeout=timeout)
    except RuntimeError as error:
        where = f"process {own.rank} of {own.world}"
        cause = f"{_told(error)}){_advice(own, error)}"
        raise LostProcess(f"{where}: cannot reach the others ({cause}") from None
    finally:
        waiting.cancel()
    return calling


def _advice(own: Place, error: RuntimeError) -> str:
    """Say what helps where a machine's own name means itself alone, as Debian's 127.0.1.1 does."""
    found = _LOOPBACK.search(str(error))
    if own.on_one_machine or found is None:
        return ""
    return (
        f"; another machine gives its own name the address {found[1]}, where nobody else finds it: "
        "set GLOO_SOCKET_IFNAME to the interface of their network, such as eth0, on all of them"
    )


def _say_waiting(own: Place, timeout: timedelta) -> None:
    logger.warning(
        "process %s of %s: still waiting for the others at %s:%s (MASTER_ADDR, MASTER_PORT); "
        "training.ddp_timeout ends it after %.0f s",
        own.rank, own.world, os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"],
        timeout.total_seconds(),
    )  # fmt: skip


def _backend(device: str, own: Place) -> str:
    """Return torch's name of how to talk, and take this process's GPU."""
    chosen = choose_device(device)
    if chosen.type == "cpu":
        return "gloo"
    if chosen.type != "cuda":
        raise UserError(f"device {chosen.type!r} trains in one process; set training.device=cpu")
    if chosen.index is not None:
        raise UserError(f"device {device!r}: under torchrun each process takes its own; give cuda")
    if own.local_rank >= torch.cuda.device_count():
        raise UserError(
            f"process {own.rank} has no GPU: this machine has {torch.cuda.device_count()}; "
            "give torchrun as many --nproc-per-node"
        )
    torch.cuda.set_device(own.local_rank)
    return "cpu:gloo,cuda:nccl"


def _is_of_others(error: RuntimeError) -> bool:
    """Tell whether an error is one of talking to other processes."""
    if isinstance(error, dist.DistError):
        return True
    return any(word in str(error).lower() for word in _LOST)


def _lost(processes: Processes, error: RuntimeError, calling: dist.ProcessGroup) -> str:
    """Say who was lost, and when."""
    where = f"process {processes.rank} of {processes.world}, step {processes.step}"
    cause = _told(error)
    try:
        dist.monitored_barrier(calling, timeout=_ROLL_CALL, wait_all_ranks=True)
    except RuntimeError as missing:
        cause = f"{cause}; {_told(missing)}"
    return f"{where}: another process ended or does not answer ({cause})"


def _told(error: RuntimeError) -> str:
    """Return what gloo says, without its source file and its advice."""
    line = str(error).strip().splitlines()[0]
    return re.sub(r"^\[\S+\] ", "", line).partition(". This is typically")[0]
