"""One process a folder: two that write the same files would spoil both."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(path: Path, held: str) -> Iterator[None]:
    """Hold a folder, or a file that is made if need be, until the process lets go or ends.

    The empty file stays: removing it could take away another process's lock.

    Args:
        held: what to say after the path where another process holds it.

    Raises:
        UserError: another process holds it.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{path}: {held}") from None
        except OSError:
            pass  # some network file systems know no locks
        yield
    finally:
        os.close(handle)
