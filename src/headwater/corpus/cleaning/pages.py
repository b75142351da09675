"""The pages to clean: which files hold them, in which shards they are worked on, one by one.

A page is a document (headwater.corpus.read) or a page of a web archive. Files
are put together to shards of some 64 MB in the order of the names, so that what comes out is the
same however many processes take part:

    a.jsonl.gz 40 MB   b.jsonl.gz 30 MB   c.txt 1 MB    shard 0: a, b    shard 1: c
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater.corpus.cleaning.warc import Text, archive_pages, check_libraries, is_archive
from headwater.corpus.read import BadLines, DocumentReader
from headwater.corpus.sources import Sources, find_sources

SHARD = 64_000_000  # bytes on the disk at which a shard is full; a file is never cut


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its origin: the file, its number there from 0 on, and its address if known."""

    text: str
    source: str
    number: int
    url: str


def find_pages(inputs: Sequence[Path]) -> Sources:
    """Look the inputs up, as `find_sources`, and web archives among them; each file once."""
    found = find_sources(inputs, is_archive)
    for file in found.files:
        if is_archive(file):
            check_libraries(file)
    return found


def shards(files: Sequence[Path]) -> list[list[Path]]:
    """Put neighbouring files together until a shard is full."""
    found: list[list[Path]] = []
    room = 0
    for file in files:
        if room <= 0:
            found.append([])
            room = SHARD
        found[-1].append(file)
        room -= file.stat().st_size
    return found


def read_pages(files: Sequence[Path], field: str, bad: BadLines) -> Iterator[Page]:
    """Yield the pages of files in order; what cannot be read is noted in `bad`.

    A page is whole in memory, a `.txt` file too.
    """
    for file in files:
        texts = archive_pages(file, bad) if is_archive(file) else _documents(file, field, bad)
        name = str(file).encode("utf-8", "replace").decode()  # half characters do occur
        for number, text in enumerate(texts):
            yield Page(text.text, name, number, text.url)


def _documents(file: Path, field: str, bad: BadLines) -> Iterator[Text]:
    reading = DocumentReader([file], field)
    reading.bad = bad
    parts = []
    for part in reading:
        parts.append(part.text)
        if part.last:
            yield Text("".join(parts))
            parts = []
