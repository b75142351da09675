"""Choosing the processor and the number format, deterministic kernels, and the memory taken.

bf16 means autocast over float32 weights: matrix products in bfloat16, norms, softmax and losses
in float32. fp16 needs a loss scaler and is offered on CUDA only; T5 overflows in it.
"""

import ctypes
import os
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Thread
from typing import TypeVar

import torch

from headwater.errors import UserError

Result = TypeVar("Result")

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # of malloc.h


def choose_device(name: str) -> torch.device:
    """Return the device of a name; `auto` takes CUDA, then MPS, then the CPU."""
    device = _find_device(name)
    if device.type == "cpu":
        keep_freed_memory()
        _keep_few_products()
    if device.type == "cuda":  # read when cuBLAS is first used, so before anything runs there
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return device


@cache
def keep_freed_memory() -> None:
    """Let this process keep the memory of freed tensors for the next ones.

    By itself glibc gives back what is large, and each new tensor is then mapped page by page again:
    a quarter of the time of a batch. Other libraries of C do not offer the choice.
    """
    change = _mallopt()
    change(_M_MMAP_THRESHOLD, 32 * 2**20)  # the most it takes
    change(_M_TRIM_THRESHOLD, 2**31 - 1)
    change(_M_TOP_PAD, 64 * 2**20)


def return_freed_memory() -> None:
    """Let this process give the memory of freed tensors of 1 MiB and more back at once.

    Where layers are gathered and let go in turn, what is kept of them has holes that the next
    tensors do not fit: a process held twice what its tensors take (LOG.md).
    """
    change = _mallopt()
    change(_M_MMAP_THRESHOLD, 2**20)
    change(_M_TRIM_THRESHOLD, 64 * 2**20)
    change(_M_TOP_PAD, 2**20)


def _mallopt() -> Callable[[int, int], object]:
    """Return glibc's choice of how it keeps memory, or what does nothing in its place."""
    try:
        found: Callable[[int, int], object] = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return lambda option, value: None
    return found


def _keep_few_products() -> None:
    """Let torch keep what it knows of the last products in bf16, in a process without any so far.

    Where lengths differ, 1,024 of them hold some 0.7 GB and are hardly met again (LOG.md).
    """
    os.environ.setdefault("LRU_CACHE_CAPACITY", "64")


def keep_few_kernels(kernels: int = 128) -> None:
    """Let oneDNN keep the kernels of a few batches, in a process that has not run any yet.

    It keeps 1,024 by itself. Each takes about 0.6 MB, and a training meets other lengths at each
    step; a reader of one text after another would lose a tenth of its speed (LOG.md).
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(kernels))


def apart(work: Callable[[], Result]) -> Result:
    """Do something in a thread that ends with it, and return what it returns.

    OpenMP keeps a team of threads for each thread that has run kernels. Where the teams have more
    threads than there are processors, they sleep between kernels in place of spinning: a question
    takes 16 ms in place of 10. So who leaves the kernels to another thread loads models apart.
    """
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    Thread(target=run, name="headwater-apart", daemon=True).start()
    return done.result()


def _find_device(name: str) -> torch.device:
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise UserError(f"device {name!r}: expected auto, cpu, cuda, cuda:N or mps")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device {name!r}: this machine has {torch.cuda.device_count()} CUDA GPUs")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError("device 'mps': this machine has no Apple GPU that PyTorch can use")
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the type of the matrix products; `auto` is bf16 where the processor has it."""
    if name == "auto":
        return torch.bfloat16 if has_bf16(device) else torch.float32
    if name == "fp16" and device.type != "cuda":
        raise UserError(f"precision 'fp16' needs a CUDA GPU, not {device.type}; use bf16 or fp32")
    if name == "bf16" and device.type != "cpu" and not has_bf16(device):
        raise UserError(f"precision 'bf16': this {device.type} device has none; use fp32")
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[name]


def has_bf16(device: torch.device) -> bool:
    """Tell whether a device multiplies bf16 in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "mps":
        return False
    # torch has no public question for this; without the instructions bf16 is slower than float32.
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)


def seed_generators(device: torch.device, seed: int) -> None:
    """Seed what is drawn from on a device, as `torch.manual_seed` does.

    That seeds those of all kinds of device, and each time keeps the traceback of its caller for the
    kinds that are not in use: a third of a millisecond in every step.
    """
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Ask for kernels that give the same bits every time, and put the settings back after.

    On the CPU too: the backward of indexing adds from several threads in any order otherwise.
    """
    if device.type == "mps":  # most of its kernels offer no such choice and would refuse
        yield
        return
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark,
    )
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.utils.deterministic.fill_uninitialized_memory = before[1]  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = before[2]


def peak_memory(device: torch.device) -> int | None:
    """Return the most bytes that this process has taken, on CUDA those of its tensors there.

    It is of the whole life of the process, whatever it did before. None where the system does not
    tell.
    """
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        if sys.platform != "darwin":
            return None
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Not from getrusage, which on Linux also counts what started this process.
    line = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return None if line is None else int(line[1]) * 1024
