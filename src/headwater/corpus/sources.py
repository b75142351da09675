"""The files with the raw text.

Inputs are files, folders or URLs of either (`headwater.remote`), whose files are fetched first. A
folder stands for every file of a known kind below it, in the order of the names. The name of a file
determines its kind:

    books/             a.txt  b.jsonl.gz  c.parquet  notes.md
    find_sources(...)  a.txt  b.jsonl.gz  c.parquet            passed over: notes.md
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater.errors import UserError
from headwater.paths import as_text, real
from headwater.remote.copies import fetch, list_files
from headwater.remote.urls import url_of
from headwater.text_files import COMPRESSIONS, check_library

logger = logging.getLogger(__name__)

KINDS = (".txt", ".jsonl", ".parquet")
_COMPRESSED = {".txt": ".txt", ".jsonl": ".jsonl", ".json": ".jsonl"}
"""The kind of a compressed file: C4 is published as JSON lines in `.json.gz`."""


@dataclass(frozen=True, slots=True)
class Source:
    """An input of the user, with its files.

    folder: the files' names count from it; of an input that is a file, its folder.
    """

    name: str
    folder: Path
    files: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(file.stat().st_size for file in self.files)


@dataclass(frozen=True, slots=True)
class Sources:
    """The files to read, each once, and the files of no known kind."""

    sources: tuple[Source, ...]
    passed_over: tuple[Path, ...]

    @property
    def files(self) -> list[Path]:
        """The files in the order of reading."""
        return [file for source in self.sources for file in source.files]


def find_sources(
    inputs: Sequence[Path], also: Callable[[Path], bool] = lambda file: False, kinds: str = ""
) -> Sources:
    """Find the files of the inputs, without hidden files and folders.

    Args:
        also: accepts further files to read.
        kinds: of those files, as a message names them.
    """
    sources: list[Source] = []
    passed_over: list[Path] = []
    seen: set[Path] = set()
    for given in inputs:
        url = url_of(given)
        remote = {Path(file.url): file for file in list_files(url)} if url else {}
        files = list(remote) if url else _files(given)
        known = [file for file in files if kind_of(file) is not None or also(file)]
        name = url or as_text(given)
        if not known:
            expected = f"{', '.join(KINDS)}, or .txt.gz and such{kinds and f'; also {kinds}'}"
            raise UserError(f"{name}: no text to read; expected {expected}")
        passed_over += sorted(set(files).difference(known))
        for file in known:
            check_library(file)
        copies = [fetch(remote[file]) for file in known] if url else known
        new = {real(file): file for file in copies if real(file) not in seen}
        seen |= new.keys()
        sources.append(Source(name, _folder(given, copies), tuple(new.values())))
    return Sources(tuple(sources), tuple(passed_over))


def grouped(files: Sequence[Path], size: int) -> list[list[Path]]:
    """Group neighbouring files into shards of some `size` bytes."""
    found: list[list[Path]] = []
    room = 0
    for file in files:
        if room <= 0:
            found.append([])
            room = size
        found[-1].append(file)
        room -= file.stat().st_size
    return found


def _folder(given: Path, files: Sequence[Path]) -> Path:
    if given.is_dir():
        return given
    return Path(os.path.commonpath([file.parent for file in files]))


def kind_of(file: Path) -> str | None:
    """Return which of KINDS a file is by its name, or None; `.json.gz` holds JSON lines."""
    suffixes = [suffix.lower() for suffix in file.suffixes[-2:]]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        return _COMPRESSED.get(suffixes[0])
    return suffixes[-1] if suffixes and suffixes[-1] in KINDS else None


def _files(given: Path) -> list[Path]:
    try:
        is_file, is_folder = given.is_file(), given.is_dir()
    except (OSError, ValueError):
        raise UserError(f"{str(given)[:60]!r}: not a usable file name") from None
    if is_file:
        return [given]
    if not is_folder:
        raise UserError(f"{given}: {_missing(given)}")
    return sorted(_below(given))


def _missing(given: Path) -> str:
    if os.path.exists(given):
        return "not a plain file (a device or a pipe)"
    return "a link that leads nowhere" if given.is_symlink() else "no such file or folder"


def _below(given: Path) -> Iterator[Path]:
    """Yield the files below a folder; what has the name of one and cannot be read is told."""

    def refuse(error: OSError) -> None:
        raise UserError(f"{error.filename}: this folder cannot be read ({error.strerror})")

    for folder, folders, names in os.walk(given, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(folder, name)
            if name.startswith("."):
                continue
            if file.is_file():
                yield file
            elif kind_of(file) is not None:
                logger.warning("%s: %s; passed over", file, _missing(file))
