"""The process that converts files, so that what is wrong with a file ends this process at most.

It says `ready`, then reads a line for each file, `{"path": ...}`, and answers with a line:
`{"passages": ...}` or `{"reason": ...}`. JSON, unlike pickle, runs nothing where it is read.
"""

import hashlib
import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from headwater.documents.converters.library import check_library
from headwater.documents.converters.names import converter_of
from headwater.documents.limits import Limits
from headwater.documents.passages import clean, cut
from headwater.errors import UserError
from headwater.files import sha256
from headwater.paths import as_text
from headwater.sizes import byte_size
from headwater.streams import read_most
from headwater.text_files import COMPRESSIONS

UNSETTLED = -1
"""The time of a file that changed so lately that a later change could have the same time."""

_SETTLED = 200_000_000  # nanoseconds: file systems count in steps of some milliseconds
_TRIES = 3  # readings of a file that changes meanwhile
_LONGEST_REASON = 300


def main() -> None:
    """Answer until standard input ends; what libraries print is lost."""
    limits = Limits(float(sys.argv[1]), *map(int, sys.argv[2:]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _limit_memory(limits.memory)
    answers.write(b"ready\n")
    answers.flush()
    for line in sys.stdin.buffer:
        _end_after(limits.seconds, limits.patience + 5)
        answer = _encoded(Path(json.loads(line)["path"]), limits)
        _end_after(0, 0)
        answers.write(answer)
        answers.write(b"\n")
        answers.flush()


def _encoded(file: Path, limits: Limits) -> bytes:
    try:
        return json.dumps(answer_for(file, limits)).encode("ascii")
    except MemoryError:
        return json.dumps(_without_memory(limits)).encode("ascii")


def answer_for(file: Path, limits: Limits) -> dict[str, Any]:
    """Convert a file: its passages, or the reason why there are none."""
    try:
        return _converted(file, limits)
    except UserError as error:
        return {"reason": _without(str(error), file)}
    except MemoryError:
        return _without_memory(limits)
    except RecursionError:
        return {"reason": "broken: nested too deeply"}
    except OSError as error:
        return {"reason": f"cannot be read ({error.strerror or error})"}
    except Exception as error:  # whatever a library raises at a broken file
        said = " ".join(str(error).split())
        return {"reason": f"broken ({type(error).__name__}: {said})"[:_LONGEST_REASON]}


def _without_memory(limits: Limits) -> dict[str, Any]:
    return {"reason": f"needs more memory than {byte_size(limits.memory)}", "memory": True}


def _converted(file: Path, limits: Limits) -> dict[str, Any]:
    converter = converter_of(file)
    if converter is None:
        raise UserError(f"no converter for {file.suffix or 'a name without an end'}")
    check_library(converter.LIBRARY)
    content, found = _read(file, limits)
    document = clean(converter.convert(content))
    passages = [
        (*passage[:-1], passage.edits.decode("latin-1") if passage.edits else None)
        for passage in cut(document)
    ]
    if not passages:
        raise UserError(document.note or "holds no text")
    return found | {
        "title": document.title,
        "characters": len(document.text),
        "note": document.note,
        "passages": passages,
    }


def _read(file: Path, limits: Limits) -> tuple[bytes, dict[str, Any]]:
    """Read a file, again if it changes meanwhile; with its size, time and SHA-256."""
    for _ in range(_TRIES):
        before = file.stat()
        content = read_most(file, limits.size)
        compressed = file.suffix.lower() in COMPRESSIONS
        digest = sha256(file) if compressed else hashlib.sha256(content).hexdigest()
        after = file.stat()
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        if same and (compressed or len(content) == after.st_size):
            break
    else:
        raise UserError("changes while it is read; update the index later")
    settled = time.time_ns() - after.st_mtime_ns > _SETTLED
    modified = after.st_mtime_ns if settled else UNSETTLED
    return content, {"size": after.st_size, "modified": modified, "sha256": digest}


def _without(reason: str, file: Path) -> str:
    """Return a reason without the file's name before it."""
    for start in (f"{file}: ", f"{file}, "):
        reason = reason.removeprefix(start)
    return " ".join(as_text(reason).split())[:_LONGEST_REASON]


def _limit_memory(most: int) -> None:
    with suppress(ImportError, ValueError, OSError):  # not every system knows limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _end_after(processor: float, seconds: float) -> None:
    """End this process after so much time of the processor, or so many seconds; 0: never.

    The second is for the case that the process that asks is gone.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, processor)
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main()
