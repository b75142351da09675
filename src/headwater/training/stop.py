"""Stopping well: SIGTERM, Ctrl-C and a time limit end a run after its state is saved."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal, Self

Reason = Literal["sigterm", "sigint", "time_limit"]
_SIGNALS: dict[int, Reason] = {signal.SIGTERM: "sigterm", signal.SIGINT: "sigint"}


class Interruption(Exception):
    """A signal came while something long, that may be given up, was under way."""


class Stop:
    """Listens while it is entered; a second signal acts at once, as if nobody listened."""

    def __init__(self, minutes: float | None) -> None:
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._signal: Reason | None = None
        self._breaking = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._listen) for number in _SIGNALS}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

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
        self._signal = _SIGNALS[number]
        for each, handler in self._before.items():
            signal.signal(each, handler)
        if self._breaking:
            raise Interruption
