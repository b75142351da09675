"""The pages to clean, and the files of a cleaned set.

A page is a document (headwater.corpus.read) or a page of a web archive. Files are grouped into
shards of some 64 MB in the order of their names, so that the result is the same for any number of
processes:

    a.jsonl.gz 40 MB   b.jsonl.gz 30 MB   c.txt 1 MB    shard 0: a, b    shard 1: c

A cleaned set has one page per line:

    kept/00000.jsonl.gz      {"text": ..., "source": "a.jsonl", "page": 0, "url": "",
                              "removed": [{"rule": "no_end_mark", "text": "Menu"}]}
    dropped/00000.jsonl.gz   {"rule": "language", "why": "de 1.00", "source": "a.jsonl", "page": 1,
                              "url": "", "dropped_text": ...}

The text of a dropped page has another field name, so that a store built of the whole folder by
mistake does not contain it.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headwater.corpus.cleaning.rules import Removed
from headwater.corpus.cleaning.warc import KINDS, Text, archive_pages, check_libraries, is_archive
from headwater.corpus.read import BadLines, DocumentReader
from headwater.corpus.sources import Sources, find_sources
from headwater.errors import UserError
from headwater.remote.urls import origin

SHARD = 64_000_000  # bytes on the disk at which a shard is full; a file is never cut


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its origin: the file, its number there from 0 on, and its address if known."""

    text: str
    source: str
    number: int
    url: str


def find_pages(inputs: Sequence[Path]) -> Sources:
    """Find the files of the inputs, as `find_sources`, including web archives."""
    found = find_sources(inputs, is_archive, ", ".join(KINDS))
    for file in found.files:
        if is_archive(file):
            check_libraries(file)
    return found


def read_pages(files: Sequence[Path], field: str, bad: BadLines) -> Iterator[Page]:
    """Yield the pages of files in order; what cannot be read is noted in `bad`.

    A page is whole in memory, a `.txt` file too.
    """
    for file in files:
        texts = archive_pages(file, bad) if is_archive(file) else _documents(file, field, bad)
        name = origin(file)
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


KEPT: Final = "kept"
DROPPED: Final = "dropped"
DROPPED_TEXT: Final = "dropped_text"

Record = dict[str, Any]


def kept_record(page: Page, text: str, removed: Iterable[Removed]) -> Record:
    """Return the record of a kept page; `text` is the cleaned text."""
    return {"text": text, **_origin(page), "removed": [each._asdict() for each in removed]}


def dropped_record(page: Page, rule: str, why: str) -> Record:
    """Return the record of a dropped page."""
    return {"rule": rule, "why": why, **_origin(page), DROPPED_TEXT: page.text}


@contextmanager
def written(file: Path, *, append: bool = False) -> Iterator[Callable[[Record], None]]:
    """Yield a function that writes a record; the file has no time stamp, so runs compare equal."""
    with (
        file.open("ab" if append else "wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream,
    ):

        def write(record: Record) -> None:
            stream.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")

        yield write


def records(file: Path) -> Iterator[Record]:
    """Yield the records of a file."""
    try:
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            yield from map(json.loads, stream)
    except (OSError, EOFError, ValueError):
        raise UserError(f"{file}: not a whole file of pages; clean the text again") from None


def _origin(page: Page) -> Record:
    return {"source": page.source, "page": page.number, "url": page.url}
