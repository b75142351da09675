"""Each side in a process of its own, so that none gains or loses by another's memory or threads.

Processes are forks of a server that has imported the libraries once (`preload.py`) and has run
nothing, so that no thread or kernel is inherited.
"""

import multiprocessing
import signal
import traceback
from collections.abc import Callable
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.harness.turns import Turns
from benchmarks.harness.work import Absent, Context, Facts, Side

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["benchmarks.harness.preload"])

LONGEST = 300  # seconds of a turn or of making ready; beyond it something hangs


class Failed(Exception):
    """A side broke; the message is its traceback."""


class Running:
    """A side that is ready for turns. `value` takes one, `end` returns what it tells."""

    def __init__(self, side: Side, context: Context) -> None:
        missing = [name for name in side.needs if find_spec(name) is None]
        if missing:
            raise Absent(f"{', '.join(missing)} not installed")
        self.name = side.name
        self._connection, theirs = _processes.Pipe()
        self._process = _processes.Process(
            target=serve, args=(theirs, side.run, context), daemon=True
        )
        self._process.start()
        theirs.close()
        self._receive("ready")

    def value(self) -> float:
        """Let it take a turn; return the value."""
        self._connection.send("go")
        return float(self._receive("value"))

    def end(self) -> Facts:
        """Let it end; return its facts."""
        self._connection.send("stop")
        facts: Facts = self._receive("end")
        self._process.join()
        return facts

    def kill(self) -> None:
        """End it wherever it is."""
        self._process.kill()
        self._process.join()

    def _receive(self, expected: str) -> Any:
        if not self._connection.poll(LONGEST):
            self.kill()
            raise Failed(f"no answer in {LONGEST} s")
        try:
            kind, content = self._connection.recv()
        except EOFError:
            self._process.join()
            raise Failed(f"its process ended with {self._process.exitcode}") from None
        if kind == expected:
            return content
        self.kill()
        raise (Absent if kind == "absent" else Failed)(content)


def serve(connection: Connection, run: Callable[[Turns, Context], Facts], context: Context) -> None:
    """Run a side at the other end of a connection."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    torch.set_num_threads(context.threads)
    try:
        connection.send(("end", dict(run(Turns(connection), context))))
    except EOFError:
        return  # the parent is gone
    except Absent as absent:
        connection.send(("absent", str(absent)))
    except Exception:
        connection.send(("failed", traceback.format_exc()))


def call(function: Callable[[Context], None], context: Context) -> None:
    """Call a function in a process of its own."""
    Running(Side("preparation", _Calling(function)), context).end()


class _Calling:
    """A function as a side without turns."""

    def __init__(self, function: Callable[[Context], None]) -> None:
        self._function = function

    def __call__(self, turns: Turns, context: Context) -> Facts:
        self._function(context)
        for _ in turns:
            pass
        return {}
