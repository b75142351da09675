"""SIGTERM and Ctrl-C: noted until there is a good moment, or an orderly end at once.

Handlers are set in the main thread only, which alone can have them, and put back at the end.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal, NoReturn, Self

Reason = Literal["sigterm", "sigint", "time_limit"]
_SIGNALS: dict[int, Reason] = {signal.SIGTERM: "sigterm", signal.SIGINT: "sigint"}
_STOPPING = _SIGNALS | ({signal.SIGUSR1: "sigterm"} if hasattr(signal, "SIGUSR1") else {})
"""With the one that Slurm sends before a job's time is over (`--signal=USR1@300`)."""


def exit_code(reason: str) -> int:
    """Return what a program exits with that was stopped so: 143, 130, or 0 if by no signal."""
    numbers = {name: number for number, name in _SIGNALS.items()}
    return 128 + numbers[reason] if reason in numbers else 0


class Interruption(Exception):
    """A signal came while something long, that may be given up, was under way."""


class Stop:
    """Notes a signal, or that the time is over, while it is entered.

    A second signal acts at once, as if nobody listened.
    """

    def __init__(self, minutes: float | None = None) -> None:
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._signal: Reason | None = None
        self._breaking = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = _handle(self._listen, *_STOPPING)
        return self

    def __exit__(self, *exception: object) -> None:
        _restore(self._before)

    @property
    def signalled(self) -> Reason | None:
        """Return the signal that came, if one did."""
        return self._signal

    @property
    def reason(self) -> Reason | None:
        """Return why to stop now, if there is a reason."""
        if self._signal is None and self._deadline is not None:
            return "time_limit" if time.monotonic() >= self._deadline else None
        return self._signal

    @contextmanager
    def breaking(self) -> Iterator[None]:
        """Let a signal break off what is inside, by `Interruption`."""
        self._breaking = True
        try:
            yield
        finally:
            self._breaking = False

    def _listen(self, number: int, frame: FrameType | None) -> None:
        self._signal = _STOPPING[number]
        _restore(self._before)
        if self._breaking:
            raise Interruption


@contextmanager
def exiting() -> Iterator[None]:
    """Raise SystemExit inside when a signal comes, so that what is entered is put in order."""
    before = _handle(_exit)
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def killing() -> Iterator[None]:
    """Let Ctrl-C end the process at once, as SIGTERM does: for libraries that would not hear it."""
    before = _handle(signal.SIG_DFL, signal.SIGINT)
    try:
        yield
    finally:
        _restore(before)


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _handle(
    handler: Callable[[int, FrameType | None], None] | signal.Handlers, *numbers: int
) -> dict[int, Any]:
    """Set a handler of some signals, or of both, and return those before it."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, handler) for number in numbers or _SIGNALS}


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
