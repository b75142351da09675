"""Opening files of text: compression, encoding and the ends of lines, for every reader.

    suffix_of(Path("dev.tsv.gz"))     ".tsv"
    opened(Path("c4.jsonl.zst"))      a stream, for what is too large to hold
    text_fault("é".encode("latin-1")) ("not UTF-8 (byte 0xe9); save it as UTF-8", 0)

`headwater.files` reads whole files this way; `headwater.corpus` reads streams and passes bad lines
over.
"""

import gzip
import os
import select
import stat
import sys
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from headwater.errors import UserError

COMPRESSIONS = (".gz", ".zst")  # of text; Parquet compresses by itself
_NEEDS = {".parquet": "pyarrow", ".zst": "zstandard"}
_STEP = 1 << 13  # compressed bytes taken at once: a little can hold much
_BUFFER = 1 << 16
_PATIENCE = 2000  # milliseconds until a pipe's writer is there
_NO_TEXT = {
    b"\x1f\x8b": "compressed by gzip, so its name must end in .gz",
    b"PK\x03\x04": "a zip archive or an Excel file, which can be saved as CSV UTF-8",
}
_TO_UTF8 = "-t UTF-8 FILE > NEW"
_LARGEST_WINDOW = 2**31  # bytes: what `zstd --long=31` asks for


def suffix_of(file: Path) -> str:
    """Return the end of a file's name in lower case, without that of a compression."""
    suffixes = [suffix.lower() for suffix in file.suffixes[-2:]]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def stem_of(file: Path) -> str:
    """Return a file's name without its end, and without that of a compression.

    >>> stem_of(Path("notes/mill.1.txt.gz"))
    'mill.1'
    """
    return Path(file.stem if file.suffix.lower() in COMPRESSIONS else file.name).stem


def check_library(file: Path) -> None:
    """Refuse a file whose library is not installed."""
    suffix = file.suffix.lower()
    library = _NEEDS.get(suffix)
    if library and find_spec(library) is None:
        raise UserError(
            f"{file}: reading {suffix} needs {library}; pip install 'headwater[corpus]'"
        )


def text_fault(content: bytes) -> tuple[str, int] | None:
    """Say why bytes are no text, and the index of the first wrong one; None: they are text."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        byte = content[error.start]
        return f"not UTF-8 (byte 0x{byte:02x}); save it as UTF-8", error.start
    nul = content.find(0)
    return None if nul < 0 else ("holds a NUL character; this is not text", nul)


def encoding_fault(content: bytes) -> tuple[str, int] | None:
    """Say as `text_fault` does, and which encoding it may be, with the command that mends it."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        command = f"iconv -f UTF-16 {_TO_UTF8}"
        return f"not UTF-8 but UTF-16; save it as UTF-8, or run {command}", 0
    for mark, what in _NO_TEXT.items():
        if content.startswith(mark):
            return f"{what}; this is not text", 0
    fault = text_fault(content)
    if fault and "UTF-8" in fault[0]:
        return f"{fault[0]}, or run iconv -f CP1252 {_TO_UTF8} if it is of Windows", fault[1]
    return fault


@contextmanager
def opened(file: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a file: its decompressed stream, and the raw one, which tells how far."""
    with _raw(file) as raw:
        if file.suffix.lower() == ".gz":
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast(BinaryIO, stream), raw
        elif file.suffix.lower() == ".zst":
            check_library(file)
            yield BufferedReader(_ZstdFrames(raw), _BUFFER), raw
        else:
            yield raw, raw


def _raw(file: Path) -> BinaryIO:
    """Open a file; a pipe only while something writes to it, for else it would wait for ever."""
    if not stat.S_ISFIFO(file.stat().st_mode):
        return file.open("rb")
    pipe = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    try:
        if not poller.poll(_PATIENCE) and not os.read(pipe, 1):
            os.close(pipe)
            raise UserError(f"{file}: nothing writes to this pipe")
    except BlockingIOError:  # a slow writer
        pass
    os.set_blocking(pipe, True)
    return os.fdopen(pipe, "rb")


class _ZstdFrames(RawIOBase):
    """What a .zst file holds; unlike the library's own stream it tells of a file cut short."""

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard

        self._raw = raw
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._compressed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and self._fill():
            pass
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _fill(self) -> bool:
        data = self._compressed or self._raw.read(_STEP)
        if not data:
            if self._frame is not None:
                raise EOFError("cut short")
            return False
        frame = self._frame or self._decompressor.decompressobj()
        self._ready = memoryview(frame.decompress(data))
        self._compressed = frame.unused_data
        self._frame = None if frame.eof else frame
        return True


def reading_errors() -> tuple[type[Exception], ...]:
    """Return what a broken or vanished file raises, whichever library reads it."""
    known: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error)
    if "zstandard" in sys.modules:
        known += (sys.modules["zstandard"].ZstdError,)
    if "pyarrow" in sys.modules:
        known += (sys.modules["pyarrow"].ArrowException,)
    return known
