"""Which files hold the raw text, and opening them, compressed or not.

Inputs are files or folders; a folder gives every file of a known kind below it, in the order of the
names. What a file is, its name says:

    books/             a.txt  b.jsonl.gz  c.parquet  notes.md
    find_sources(...)  a.txt  b.jsonl.gz  c.parquet            passed over: notes.md
"""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from headwater.errors import UserError

KINDS = (".txt", ".jsonl", ".parquet")
COMPRESSIONS = (".gz", ".zst")  # of the first two; Parquet compresses by itself
_COMPRESSED = {".txt": ".txt", ".jsonl": ".jsonl", ".json": ".jsonl"}
"""The kind of a compressed file: C4 is published as JSON lines in `.json.gz`."""
_NEEDS = {".parquet": "pyarrow", ".zst": "zstandard"}
_STEP = 1 << 13  # compressed bytes taken at once: a little can hold much
_BUFFER = 1 << 16
_LARGEST_WINDOW = 2**31  # bytes: what `zstd --long=31` asks for


@dataclass(frozen=True, slots=True)
class Source:
    """An input as it was given, with the files it stands for."""

    given: Path
    files: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(file.stat().st_size for file in self.files)


@dataclass(frozen=True, slots=True)
class Sources:
    """Every file to read, each once, and the files of a folder that are of no known kind."""

    sources: tuple[Source, ...]
    passed_over: tuple[Path, ...]

    @property
    def files(self) -> list[Path]:
        """The files in the order of reading."""
        return [file for source in self.sources for file in source.files]


def find_sources(
    inputs: Sequence[Path], also: Callable[[Path], bool] = lambda file: False
) -> Sources:
    """Look the inputs up; hidden files and folders below a folder are left out.

    Args:
        also: tells files that are read beside those of KINDS.
    """
    sources: list[Source] = []
    passed_over: list[Path] = []
    seen: set[Path] = set()
    for given in inputs:
        files = _files(given)
        known = [file for file in files if kind_of(file) is not None or also(file)]
        if not known:
            expected = ", ".join(KINDS)
            raise UserError(f"{given}: no text to read; expected {expected}, or .txt.gz and such")
        passed_over += sorted(set(files).difference(known))
        new = {file.resolve(): file for file in known if file.resolve() not in seen}
        seen |= new.keys()
        sources.append(Source(given, tuple(new.values())))
    found = Sources(tuple(sources), tuple(passed_over))
    for file in found.files:
        _check_library(file)
    return found


def kind_of(file: Path) -> str | None:
    """Return which of KINDS a file is by its name, or None; `.json.gz` holds JSON lines."""
    suffixes = [suffix.lower() for suffix in file.suffixes[-2:]]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        return _COMPRESSED.get(suffixes[0])
    return suffixes[-1] if suffixes and suffixes[-1] in KINDS else None


@contextmanager
def opened(file: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a text or JSONL file: its decompressed stream, and the raw one, which tells how far."""
    with file.open("rb") as raw:
        if file.suffix.lower() == ".gz":
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast(BinaryIO, stream), raw
        elif file.suffix.lower() == ".zst":
            yield BufferedReader(_ZstdFrames(raw), _BUFFER), raw
        else:
            yield raw, raw


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


def _files(given: Path) -> list[Path]:
    try:
        is_file, is_folder = given.is_file(), given.is_dir()
    except (OSError, ValueError):
        raise UserError(f"{str(given)[:60]!r}: not a usable file name") from None
    if is_file:
        return [given]
    if not is_folder:
        raise UserError(f"{given}: no such file or folder")
    below = (file.relative_to(given) for file in given.rglob("*"))
    visible = [name for name in below if not any(part.startswith(".") for part in name.parts)]
    return [given / name for name in sorted(visible) if (given / name).is_file()]


def _check_library(file: Path) -> None:
    suffix = file.suffix.lower()
    library = _NEEDS.get(suffix)
    if library and find_spec(library) is None:
        raise UserError(
            f"{file}: reading {suffix} needs {library}; pip install 'headwater[corpus]'"
        )
