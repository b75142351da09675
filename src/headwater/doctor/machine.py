"""What this machine gives a model: processor, memory, disk, graphics, libraries, and its speed."""

import os
import platform
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import torch

from headwater.device import has_bf16
from headwater.doctor.finding import Finding, judged
from headwater.sizes import byte_size

SECONDS = 2.0
"""How long the speed test takes: half of it in float32, half in bf16."""

_SIZE = 1024  # of the square matrices of the speed test
_LITTLE_DISK, _LITTLE_MEMORY = 5 * 2**30, 4 * 2**30
_EXTRA = re.compile(r"^([\w.-]+).*;\s*extra\s*==\s*['\"]([\w-]+)['\"]$")


def check_machine(folder: Path = Path(), seconds: float = SECONDS) -> Iterator[Finding]:
    """Yield what there is to say of this machine.

    Args:
        folder: where runs would be written.
        seconds: how long the speed test takes.
    """
    about = f"Python {platform.python_version()}, PyTorch {torch.__version__}"
    yield Finding("note", "versions", torch.__version__, f"{about}, {platform.platform()}.")
    yield _threads()
    yield from _instructions()
    yield _memory()
    yield _cuda()
    free = shutil.disk_usage(folder).free
    said = f"{byte_size(free)} are free in {folder.resolve()}."
    yield judged(free >= _LITTLE_DISK, "free disk", free, said, "--output")
    yield _full_text_search()
    yield from _extras()
    yield from _speed(seconds)


def _threads() -> Finding:
    allowed, threads = processors(), torch.get_num_threads()
    said = f"PyTorch computes in {threads} threads; this process may use {allowed:g} processors."
    key = f"OMP_NUM_THREADS={max(1, int(allowed))}"
    return judged(threads <= allowed + 0.5, "threads", threads, said, key)


def processors(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> float:
    """Return how many processors this process may use, by its affinity and its control group."""
    count = float(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    try:
        most, period = quota.read_text().split()
        return min(count, int(most) / int(period))
    except (OSError, ValueError):  # no control group, or `max`
        return count


def _instructions() -> Iterator[Finding]:
    bf16 = has_bf16(torch.device("cpu"))
    said = "multiplies bf16 in hardware" if bf16 else "has no bf16 instructions; float32 is used"
    yield Finding("fine" if bf16 else "note", "bf16", bf16, f"The processor {said}.")
    vnni = bool(getattr(torch.cpu, "_is_vnni_supported", lambda: False)())
    said = "multiplies int8 in hardware" if vnni else "has no VNNI: int8 exports gain little speed"
    yield Finding("fine" if vnni else "note", "VNNI", vnni, f"The processor {said}.")


def _memory() -> Finding:
    free = free_memory()
    if free is None:
        return Finding("note", "free memory", None, "This system does not tell its free memory.")
    said = f"{byte_size(free)} of memory are free."
    return judged(free >= _LITTLE_MEMORY, "free memory", free, said, "training.batch")


def free_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes that this process may still take; None where the system does not tell."""
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", (root / "proc/meminfo").read_text())
    except OSError:
        return None
    free = int(found[1]) * 1024 if found else None
    group = root / "sys/fs/cgroup"
    try:
        most, used = (int((group / f"memory.{each}").read_text()) for each in ("max", "current"))
    except (OSError, ValueError):  # no control group, or `max`
        return free
    return max(0, most - used) if free is None else min(free, max(0, most - used))


def _cuda() -> Finding:
    built, there = torch.version.cuda, torch.cuda.is_available()
    driver = Path("/proc/driver/nvidia/version").exists()
    if there:
        capability = "sm_{}{}".format(*torch.cuda.get_device_capability())
        name, known = torch.cuda.get_device_name(), torch.cuda.get_arch_list()
        if known and capability not in known:
            said = f"{name} is {capability}; this PyTorch was built for {', '.join(known)}."
            return Finding("warning", "CUDA", capability, said, "pip install torch")
        return Finding("fine", "CUDA", name, f"{name} is used, with CUDA {built}.")
    if driver and built is None:
        said = "There is an NVIDIA driver, but this PyTorch is built for processors alone."
        return Finding("warning", "CUDA", None, said, "pip install torch, from the CUDA index")
    if driver:
        said = f"PyTorch is built for CUDA {built} and finds no GPU: the driver may be too old."
        return Finding("warning", "CUDA", built, said, "nvidia-smi")
    return Finding("note", "CUDA", None, "There is no NVIDIA GPU; models run on the processor.")


def _full_text_search() -> Finding:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5(x)")
    except sqlite3.OperationalError:
        said = f"SQLite {sqlite3.sqlite_version} has no FTS5, which a document index needs."
        return Finding("warning", "FTS5", False, said, "another Python, such as python.org's")
    finally:
        connection.close()
    return Finding("fine", "FTS5", True, f"SQLite {sqlite3.sqlite_version} can index documents.")


def _extras() -> Iterator[Finding]:
    extras: dict[str, list[str]] = {}
    for line in _required():
        if found := _EXTRA.match(line):
            extras.setdefault(found[2], []).append(found[1])
    for extra, packages in sorted(extras.items()):
        missing = [package for package in packages if not _installed(package)]
        state = f"without {', '.join(missing)}" if missing else f"has {', '.join(packages)}"
        name, key = f"extra {extra}", f"pip install 'headwater[{extra}]'"
        yield judged(not missing, name, not missing, f"Extra {extra}: {state}.", key, "note")


def _required() -> list[str]:
    try:
        return requires("headwater") or []
    except PackageNotFoundError:  # run from its source, without an installation
        return []


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _speed(seconds: float) -> Iterator[Finding]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    full = _products(torch.float32, device, seconds / 2)
    half = _products(torch.bfloat16, device, seconds / 2)
    said = f"{full / 1e9:.0f} billion operations a second in float32"
    yield Finding("note", "float32 speed", full, f"Matrix products: {said}.")
    said = f"{half / 1e9:.0f} billion operations a second in bf16, {half / full:.1f} times float32"
    slower = has_bf16(device) and half < full
    key = 'training.precision = "fp32"'
    yield judged(not slower, "bf16 speed", half, f"Matrix products: {said}.", key)


def _products(dtype: torch.dtype, device: torch.device, seconds: float) -> float:
    """Return the operations a second of matrix products."""
    matrix = torch.ones(_SIZE, _SIZE, dtype=dtype, device=device)
    float((matrix @ matrix)[0, 0])  # the first one sets up
    begin, done = time.perf_counter(), 0
    while (passed := time.perf_counter() - begin) < seconds or not done:
        float((matrix @ matrix)[0, 0])
        done += 1
    return done * 2 * _SIZE**3 / max(passed, 1e-9)
