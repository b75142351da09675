"""Files to passages in processes beside this one, within limits of time and memory.

Each process converts file after file, since starting one takes longer than most files do. It is
replaced where a file ends it, and now and then, so that what a library leaks is given back.
"""

import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Timer
from typing import Any, NamedTuple, final

from headwater.documents.limits import Limits
from headwater.documents.passages import Passage

COMMAND: tuple[str, ...] = (sys.executable, "-m", "headwater.documents.child")
"""What starts a process that converts."""

_FILES = 500  # that one process converts
_AHEAD = 2  # files for each process that may wait for the index
_ENDING = 5.0  # seconds that a process may take to end
_PACKAGES = str(Path(__file__).resolve().parents[2])


class Converted(NamedTuple):
    """A converted file: what it was when it was read, and what it holds.

    modified: nanoseconds since 1970; `child.UNSETTLED` where a later change may have the same.
    note: what could not be read of it, or "".
    """

    size: int
    modified: int
    sha256: str
    title: str
    characters: int
    note: str
    passages: list[Passage]


class Refused(NamedTuple):
    """A file that could not be converted, and why."""

    reason: str


def convert_all(
    files: Iterable[Path], limits: Limits, workers: int = 1
) -> Iterator[tuple[Path, Converted | Refused]]:
    """Convert files in some processes at once; yield them in their order.

    Only a few are converted ahead of what is taken, so memory does not grow with their number.
    """
    children = [Child(limits) for _ in range(workers)]
    idle = SimpleQueue[Child]()
    for child in children:
        idle.put(child)

    def convert(file: Path) -> Converted | Refused:
        child = idle.get()
        try:
            return child.convert(file)
        finally:
            idle.put(child)

    pool = ThreadPoolExecutor(workers, thread_name_prefix="convert")
    under_way = deque[tuple[Path, Future[Converted | Refused]]]()
    try:
        for file in files:
            under_way.append((file, pool.submit(convert, file)))
            if len(under_way) >= workers * _AHEAD:
                first, result = under_way.popleft()
                yield first, result.result()
        for first, result in under_way:
            yield first, result.result()
    finally:
        for _, result in under_way:
            result.cancel()
        for child in children:
            child.end()
        pool.shutdown()
        for child in children:  # one may have been started at that moment
            child.end()


@final
class Child:
    """A process that converts files, started when it is first needed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._files = 0
        self._ended = False

    def convert(self, file: Path) -> Converted | Refused:
        """Convert a file; what an earlier one may have left behind is no reason to refuse it."""
        if self._ended:
            return Refused("not converted; the work was stopped")
        if self._files >= _FILES:
            self._stop()
        used = self._files > 0
        answer = self._ask(file)
        if used and answer is None:
            answer = self._ask(file)
        return answer or Refused(f"takes longer than {self._limits.seconds:g} seconds")

    def end(self) -> None:
        """End the process; what it converts is refused."""
        self._ended = True
        self._stop()

    def _ask(self, file: Path) -> Converted | Refused | None:
        """Convert a file; None where the process, used before, is at fault and was ended."""
        used, process = self._files > 0, self._running()
        late = Timer(self._limits.patience, process.kill)
        late.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"path": str(file)}).encode("ascii") + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = b""
        finally:
            in_time = late.is_alive()
            late.cancel()
        self._files += 1
        answer = _answer(line)
        if answer is not None and not answer.get("memory"):
            return _read(answer)
        if not line:  # it is ending: what ended it is the reason, not that it is stopped
            with suppress(subprocess.TimeoutExpired):
                process.wait(_ENDING)
        self._stop()
        if not in_time or self._ended or -process.returncode == getattr(signal, "SIGPROF", None):
            return Refused(f"takes longer than {self._limits.seconds:g} seconds")
        if used:
            return None
        if answer is not None:
            return Refused(answer["reason"])
        return Refused(f"ends its converter ({_ending(process.returncode)})")

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            limits = (self._limits.seconds, self._limits.memory, self._limits.size)
            path = os.pathsep.join(filter(None, (_PACKAGES, os.environ.get("PYTHONPATH"))))
            self._process = subprocess.Popen(
                [*COMMAND, *map(str, limits)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
            )
            assert self._process.stdout is not None
            self._process.stdout.readline()  # it has started, and its time begins
        return self._process

    def _stop(self) -> None:
        self._files = 0
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was not sent yet
                        pipe.close()


def _answer(line: bytes) -> dict[str, Any] | None:
    """Return what a child answered, None where it was ended or went astray."""
    try:
        answer = json.loads(line)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _read(answer: dict[str, Any]) -> Converted | Refused:
    if "reason" in answer:
        return Refused(answer["reason"])
    passages = [
        Passage(text, tuple(headings), page, start, end, edits and edits.encode("latin-1"))
        for text, headings, page, start, end, edits in answer.pop("passages")
    ]
    return Converted(passages=passages, **answer)


def _ending(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"
