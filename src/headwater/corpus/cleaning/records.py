"""The files of a cleaned set: a page a line, in `kept/` and in `dropped/`.

    kept/00000.jsonl.gz      {"text": ..., "source": "a.jsonl", "page": 0, "url": "",
                              "removed": [{"rule": "no_end_mark", "text": "Menu"}]}
    dropped/00000.jsonl.gz   {"rule": "language", "why": "de 1.00", "source": "a.jsonl", "page": 1,
                              "url": "", "dropped_text": ...}

A dropped page's text, as it was read, has another field name, so that building a store of the whole
folder by mistake cannot take it in.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from headwater.corpus.cleaning.pages import Page
from headwater.corpus.cleaning.rules import Removed
from headwater.errors import UserError

KEPT: Final = "kept"
DROPPED: Final = "dropped"
DROPPED_TEXT: Final = "dropped_text"

Record = dict[str, Any]


def kept_record(page: Page, text: str, removed: Iterable[Removed]) -> Record:
    """Return the record of a page that stays; `text` is what is left of it."""
    return {"text": text, **_origin(page), "removed": [each._asdict() for each in removed]}


def dropped_record(page: Page, rule: str, why: str) -> Record:
    """Return the record of a page that goes."""
    return {"rule": rule, "why": why, **_origin(page), DROPPED_TEXT: page.text}


@contextmanager
def written(file: Path, *, append: bool = False) -> Iterator[Callable[[Record], None]]:
    """Give a function that writes a record; the bytes tell no time."""
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
