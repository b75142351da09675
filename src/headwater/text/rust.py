"""What goes wrong inside the Rust library `tokenizers` becomes one clear line.

It raises plain Exception for a broken file. Some files and texts make it panic, which arrives as a
BaseException of its own, after lines about threads and source files on stderr.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any

from headwater.errors import UserError

_STDERR = 2
_LOCK = Lock()
_REPEATED_GROUP = re.compile(r"\)[*+{]")


@contextmanager
def rust_errors(source: Path, what: str, *, may_panic: bool = False) -> Iterator[None]:
    """Give what the block raises as a UserError: `source: what (reason)`.

    Args:
        may_panic: take along what a panic writes on stderr. That of other threads comes late.
    """
    try:
        if may_panic:
            with _quiet():
                yield
        else:
            yield
    except UserError:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | MemoryError):
            raise
        reason = " ".join(str(error).split())[:200]
        if "retry-limit" in reason:
            reason = "its regular expression takes too many steps; write it without nested repeats"
        raise UserError(f"{source}: {what} ({reason})") from None


def has_risky_regex(content: Any) -> bool:
    """Whether a regular expression of a `tokenizer.json` repeats a group, as `(a+)+` does.

    Only such a one can try ways without end; the library stops after ten million and panics.
    """
    if isinstance(content, dict):
        pattern = content.get("Regex")
        if isinstance(pattern, str) and _REPEATED_GROUP.search(pattern):
            return True
        return any(has_risky_regex(each) for each in content.values())
    return isinstance(content, list) and any(has_risky_regex(each) for each in content)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what is written on stderr, and drop it if the block fails."""
    with _LOCK, _held() as held:
        if sys.stderr is not None:
            sys.stderr.flush()
        real = os.dup(_STDERR)
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            failed = sys.exc_info()[0] is not None
            os.dup2(real, _STDERR)
            held.seek(0)
            if not failed and (text := held.read()):
                with suppress(OSError):  # a stderr that takes nothing is no fault of the file
                    os.write(real, text)
            os.close(real)


def _held() -> IO[bytes]:
    """Open a file in memory, where the system has such: no folder may be there to write to."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()
