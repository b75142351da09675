"""One process a folder: two that write the same files would spoil both."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from headwater.errors import UserError

LOCK = "lock"
"""The empty file that stands for a locked folder, and stays in it."""


@contextmanager
def locked(
    file: Path, refusal: str, *, remove: bool = False, patient: bool = False
) -> Iterator[None]:
    """Lock a file, made if need be, until the process lets go or ends.

    Args:
        refusal: what the UserError says where another process has locked it.
        remove: remove the file in the end.
        patient: wait for the other process instead.
    """
    lock = FileLock(file, timeout=-1 if patient else 0)
    try:
        with suppress(NotImplementedError):  # some network file systems know no locks
            lock.acquire()
    except Timeout:
        raise UserError(refusal) from None
    try:
        yield
    finally:
        if remove:
            file.unlink(missing_ok=True)
        lock.release()
