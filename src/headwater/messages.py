"""The library's messages on standard error, for the command line and the processes it starts.

with shown():
    logging.getLogger("headwater.training").warning("the loss did not fall")

warning: the loss did not fall
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from headwater.escapes import visible

_ROOT = logging.getLogger("headwater")
# Their messages are the log of a run, in which the program's name would be noise.
_RUNS = ("corpus", "data", "runs", "studies", "training")


class _StandardError(logging.Handler):
    """Writes to what is standard error at the time: a live bar takes its place to write above."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno == logging.WARNING:
            text = f"warning: {text}"
        room = record.name.split(".")[1:2]
        named = not room or room[0] not in _RUNS
        print(visible(f"headwater: {text}" if named else text), file=sys.stderr, flush=True)


@contextmanager
def shown() -> Iterator[None]:
    """Show messages from INFO on."""
    handler, before = _StandardError(), _ROOT.level
    _ROOT.addHandler(handler)
    _ROOT.setLevel(logging.INFO)
    try:
        yield
    finally:
        _ROOT.removeHandler(handler)
        _ROOT.setLevel(before)


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
