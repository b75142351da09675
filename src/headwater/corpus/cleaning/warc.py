"""Pages of web archives: `.warc.gz` and `.wet.gz`, as Common Crawl gives them away.

A WET file holds the text of each page ("conversion" records), which is what C4 was made of. A WARC
file holds the answers of the servers ("response" records); the text of their HTML is found by
`trafilatura`, which leaves menus and footers out. Everything else in an archive is passed over.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from headwater.corpus.read import BadLines
from headwater.errors import UserError

if TYPE_CHECKING:
    from warcio.recordloader import ArcWarcRecord

KINDS = (".warc", ".warc.gz", ".wet", ".wet.gz")
_HTML = ("text/html", "application/xhtml+xml")


class Text(NamedTuple):
    """The text of a page and where it was found; "" where that is not known."""

    text: str
    url: str = ""


def is_archive(file: Path) -> bool:
    """Tell a web archive by its name."""
    return file.name.lower().endswith(KINDS)


def check_libraries(file: Path) -> None:
    """Refuse an archive that what is installed cannot read.

    Raises:
        UserError: names what is missing.
    """
    wanted = ["warcio"] if ".wet" in file.name.lower() else ["warcio", "trafilatura"]
    if missing := [library for library in wanted if find_spec(library) is None]:
        raise UserError(f"{file}: reading it needs {missing[0]}; pip install 'headwater[warc]'")


def archive_pages(file: Path, bad: BadLines) -> Iterator[Text]:
    """Yield the texts of an archive; what cannot be read is noted in `bad`."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    number = 0
    try:
        with file.open("rb") as stream:
            for record in ArchiveIterator(stream):
                number += 1
                text = _text(record)
                if text and "\0" not in text:
                    yield Text(text, record.rec_headers.get_header("WARC-Target-URI") or "")
    except (ArchiveLoadFailed, OSError, EOFError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        bad.add(file, f"after record {number}", f"cannot be read ({reason[:100]})")


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
