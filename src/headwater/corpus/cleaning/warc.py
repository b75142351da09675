"""Pages of web archives: `.warc.gz` and `.wet.gz`, as published by Common Crawl.

A WET file holds the text of each page ("conversion" records), which is what C4 was made of. A WARC
file holds the answers of the servers ("response" records); the text of their HTML is found by
`trafilatura`, which omits menus and footers. All other records are skipped.
"""

import zlib
from collections.abc import Iterator
from contextlib import redirect_stderr
from importlib.util import find_spec
from io import BufferedReader, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from headwater.corpus.read import BadLines
from headwater.errors import UserError
from headwater.text_files import opened

if TYPE_CHECKING:
    from warcio.recordloader import ArcWarcRecord

KINDS = (".warc", ".warc.gz", ".wet", ".wet.gz")
_CUT = "cut short, the rest of it is lost"
_HTML = ("text/html", "application/xhtml+xml")


class Text(NamedTuple):
    """The text of a page and where it was found; "" where that is not known."""

    text: str
    url: str = ""


def is_archive(file: Path) -> bool:
    """Tell a web archive by its name."""
    return file.name.lower().endswith(KINDS)


def check_libraries(file: Path) -> None:
    """Refuse an archive whose libraries are not installed."""
    wanted = ["warcio"] if ".wet" in file.name.lower() else ["warcio", "trafilatura"]
    if missing := [library for library in wanted if find_spec(library) is None]:
        raise UserError(f"{file}: reading it needs {missing[0]}; pip install 'headwater[warc]'")


def archive_pages(file: Path, bad: BadLines) -> Iterator[Text]:
    """Yield the texts of an archive; `bad` gets records that cannot be read or are cut off."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    number = 0
    try:
        with opened(file) as (stream, _):
            records = ArchiveIterator(_Whole(stream))
            while True:
                with redirect_stderr(StringIO()) as said:  # warcio prints its warnings
                    record = next(records, None)
                    text = "" if record is None else _text(record)
                    records.read_to_end()
                if record is None:
                    return
                if record.raw_stream.limit:  # of an archive that is not compressed
                    raise OSError(_CUT)
                number += 1
                if warning := said.getvalue():
                    bad.add(file, f"record {number}", _one_line(warning))
                if text and "\0" not in text:
                    yield Text(text, record.rec_headers.get_header("WARC-Target-URI") or "")
    except (ArchiveLoadFailed, OSError, EOFError) as error:
        reason = _one_line(str(error)) or type(error).__name__
        bad.add(file, f"after record {number}", f"cannot be read ({reason})")


class _Whole:
    """The bytes of an archive; warcio does not notice that a compressed file is cut short."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = cast(BufferedReader, stream)
        self.tell = stream.tell

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read1(size)  # `read` would lose what comes before the fault
        except (EOFError, zlib.error) as error:
            raise OSError(_CUT if isinstance(error, EOFError) else str(error)) from None


def _one_line(text: str) -> str:
    return " ".join(text.split())[:100]


def _text(record: "ArcWarcRecord") -> str:
    if record.rec_type == "conversion":
        content: bytes = record.content_stream().read()
        return content.decode("utf-8", "replace").replace("\r\n", "\n")
    if record.rec_type != "response" or record.http_headers is None:
        return ""
    kind = record.http_headers.get_header("Content-Type") or ""
    if not kind.lower().startswith(_HTML):
        return ""
    from trafilatura import extract

    found: str | None = extract(record.content_stream().read(), include_comments=False)
    return found or ""
