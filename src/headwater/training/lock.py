"""One process a run folder: two that write the same states would spoil both."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the system lets go of it however the process ends, by `kill -9` too.

    The empty file stays: removing it could take away another process's lock.

    Raises:
        UserError: another process holds it.
    """
    if fcntl is None:
        yield
        return
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{path}: another process is training in this folder; wait for it or stop it, "
                "or choose another folder"
            ) from None
        except OSError:
            pass  # some network file systems know no locks
        yield
