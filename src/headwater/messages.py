"""The library's messages on standard error, for the command line and the processes it starts.

with shown():
    logging.getLogger("headwater.training").warning("the loss did not fall")

warning: the loss did not fall
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from headwater.escapes import visible

_ROOT = logging.getLogger("headwater")
# Their messages are the log of a run, in which the program's name would be noise.
_RUNS = ("corpus", "data", "documents", "questions", "runs", "serving", "studies", "training")


class _StandardError(logging.Handler):
    """Writes to what is standard error at the time: a live bar takes its place to write above."""

    as_json = False

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self._prefix = prefix

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if self.as_json:
            say(_json(record, text))
            return
        if record.levelno == logging.WARNING:
            text = f"warning: {text}"
        room = record.name.split(".")[1:2]
        named = not room or room[0] not in _RUNS
        say(visible(f"headwater: {self._prefix}{text}" if named else f"{self._prefix}{text}"))


def _json(record: logging.LogRecord, text: str) -> str:
    """Return a message as JSON, with the `fields` that it was logged with."""
    time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields = getattr(record, "fields", {"message": text})
    return json.dumps({"time": time, "level": record.levelname.lower(), **fields})


def say(line: str) -> None:
    """Print on standard error; where that takes nothing, such as a full disk, go on in silence."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Let what is written to a stream from now on, and is still in it, be lost."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def shown(*, prefix: str = "", level: int = logging.INFO) -> Iterator[None]:
    """Show messages from a level on, each after a prefix."""
    handler, before = _StandardError(prefix), _ROOT.level
    _ROOT.addHandler(handler)
    _ROOT.setLevel(level)
    try:
        yield
    finally:
        _ROOT.removeHandler(handler)
        _ROOT.setLevel(before)


@contextmanager
def as_json() -> Iterator[None]:
    """Show each message as a JSON object on a line of its own."""
    _StandardError.as_json = True
    try:
        yield
    finally:
        _StandardError.as_json = False


@contextmanager
def hidden(name: str) -> Iterator[None]:
    """Hide what the logger of a room says, but for warnings."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
