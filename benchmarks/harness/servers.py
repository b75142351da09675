"""Servers in processes of their own: how soon they answer, and what they use."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Used(NamedTuple):
    """What a process holds at a moment: memory in bytes, threads, open files."""

    memory: int
    threads: int
    files: int


class Server(NamedTuple):
    """A server that listens. ready: the seconds until it did."""

    address: str
    ready: float
    pid: int

    def used(self) -> Used:
        """Return what it holds now."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        memory = 1024 * int(lines["VmRSS"].split()[0])
        return Used(memory, int(lines["Threads"]), len(os.listdir(f"/proc/{self.pid}/fd")))


@contextmanager
def running(module: str, arguments: Sequence[str], threads: int) -> Iterator[Server]:
    """Start `python -m MODULE`, which says `{"address": ...}` on stderr once it listens."""
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    begin = time.perf_counter()
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, encoding="utf-8", env=environment
    ) as process:
        assert process.stderr is not None
        try:
            address = _address(process.stderr)
            ready = time.perf_counter() - begin
            # What it says later is read, so that it never waits for a reader.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield Server(address, ready, process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(lines: Iterator[str]) -> str:
    said = []
    for line in lines:
        said.append(line)
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "address" in found:
            return str(found["address"])
    raise RuntimeError("the server did not start:\n" + "".join(said[-20:]))
