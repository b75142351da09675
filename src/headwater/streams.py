"""Reading files of any kind within bounds: every line and every text has a most, and so has what a
compressed file may hold. What goes wrong is one line.

    read_most(path, 2**27)    the content, of at most so many bytes
    read_stream(path)         its lines, one after the other
"""

import gzip
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import BinaryIO

from headwater.errors import UserError
from headwater.text_files import COMPRESSIONS, encoding_fault, opened, reading_errors

LONGEST = 2**26
"""The most bytes of one line of a table, and of one text in it."""

EXPANSION = 200
"""How often a compressed file may hold its own size; texts reach 20."""

_HARMLESS = 2**26  # bytes that may be held by the smallest file
_STEP = 2**20  # bytes taken at once
_MAC_LINE = re.compile("[^\r]*\r|[^\r]+")


def read_most(path: Path, most: int, *, plain: bool = False) -> bytes:
    """Return the content of a file, decompressed, if it is no more than `most` bytes."""
    with reading(path, most, plain=plain) as (stream, raw):
        parts, size = [], 0
        while size <= most and (part := stream.read(_STEP)):
            parts.append(part)
            size += len(part)
            if stream is not raw:
                check_expansion(path, size, raw.tell())
    if size > most:
        raise _too_large(path, most, plain)
    return b"".join(parts)


@contextmanager
def reading(
    path: Path, most: int = sys.maxsize, *, plain: bool = False
) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a file as `opened` does; what goes wrong in the block is one line.

    Args:
        most: the most bytes that the file itself may have.
        plain: refuse a pipe too; a device is refused always.
    """
    try:
        _check_kind(path, most, plain)
        with opened(path) as streams:
            yield streams
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: a file was expected, this is a folder") from None
    except UserError:
        raise
    except ValueError:
        raise UserError(f"{str(path)!r}: not a usable file name") from None
    except reading_errors() as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
        kind = {".gz": "gzip", ".zst": "Zstandard"}[path.suffix.lower()]
        raise UserError(f"{path}: not a whole {kind} file; compress it again") from None


def read_stream(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file with their ends, however large it is; a mark is dropped.

    A file without a line feed has the line ends of the old Mac. No line may exceed `LONGEST`.
    """
    number, held = 1, b""
    with reading(path) as (stream, _):
        while part := stream.read(_STEP):
            held += part
            if len(held) > LONGEST and held.find(b"\n", 0, LONGEST) < 0:
                raise UserError(
                    f"{path}, line {number}: longer than {LONGEST >> 20} MiB, the most of a line"
                )
            if end := held.rfind(b"\n") + 1:
                yield from StringIO(decode_text(held[:end], str(path), number), newline="\n")
                number += held.count(b"\n")
                held = held[end:]
    if held:
        text = decode_text(held, str(path), number)
        yield from _MAC_LINE.findall(text) if number == 1 else [text]


def check_held(path: Path) -> None:
    """Refuse a compressed file that holds too much, before anything that it holds is kept."""
    if path.suffix.lower() not in COMPRESSIONS:
        return
    with reading(path) as (stream, raw):
        size = 0
        while part := stream.read(_STEP):
            size += len(part)
            check_expansion(path, size, raw.tell())


def check_expansion(path: Path, size: int, compressed: int) -> None:
    """Refuse a file that holds far more than texts do: it would fill the memory."""
    if size > _HARMLESS and size > EXPANSION * compressed:
        raise UserError(
            f"{path}: holds more than {EXPANSION} times what it takes; texts do not. If they are "
            "meant, decompress the file"
        )


def _too_large(path: Path, most: int, plain: bool) -> UserError:
    advice = "no model's file is so large" if plain else "split it into several"
    return UserError(f"{path}: holds more than {most >> 20:,} MiB; {advice}")


def _check_kind(path: Path, most: int, plain: bool) -> None:
    """Refuse what has no end, or is no file, before it is opened."""
    found = path.stat()
    mode = found.st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or (plain and not stat.S_ISREG(mode)):
        raise UserError(f"{path}: not a plain file (a device or a pipe); give a file")
    if found.st_size > most:
        raise _too_large(path, most, plain)


def decode_text(content: bytes, where: str, line: int = 1) -> str:
    """Decode UTF-8, dropping a byte-order mark; `where` (a file name) begins every error.

    Args:
        line: of the file, with which the content begins.
    """
    if fault := encoding_fault(content):
        line += content.count(b"\n", 0, fault[1])
        raise UserError(f"{where}, line {line}: {fault[0]}")
    return content.decode("utf-8-sig" if line == 1 else "utf-8")
