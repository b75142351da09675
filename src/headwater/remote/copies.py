"""Copies of remote files on this disk, each with the SHA-256 of what was fetched.

    fetch(RemoteFile("s3://crawl/a.txt", 5, "tag"))     ~/.cache/headwater/remote/s3/crawl/a.txt

Beside a copy lie hidden files: `.a.txt.json` with its size, tag and checksum, and while it is
fetched `.a.txt.part`. A fetch that was killed goes on where it stopped, if the tag is the same.
A copy is compared with its checksum before each use, and fetched again if a bit differs.
"""

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from headwater.errors import UserError
from headwater.files import read_json, refusal, sha256, write_json
from headwater.lock import locked
from headwater.paths import as_path
from headwater.progress import Display, Progress
from headwater.remote.storage import RemoteFile, Storage, Unreachable, check_url
from headwater.remote.urls import copy_of, scheme_of, shown, url_of

logger = logging.getLogger(__name__)

BLOCK: Final = 1 << 24  # bytes asked for at once
_MB = 1e6
_DISPLAY = Display(
    "fetching",
    logger,
    line="fetching {file}: {done:.1f}/{total:.1f} MB  {rate:.2f} MB/s  {left} left",
    every=10.0,
    count="{done:.1f}/{total:.1f} MB",
    rate="{rate:.2f} MB/s",
    fields="{file}",
    transient=True,
)


def list_files(url: str) -> list[RemoteFile]:
    """Return the files of a URL, in the order of their names.

    A single file is taken from the cache, with a warning, where its server does not answer.
    """
    check_url(url)
    try:
        return Storage(scheme_of(url)).find(url)
    except Unreachable as error:
        known = _known(url)
        if known is None:
            raise
        logger.warning("%s; using the copy fetched before", error)
        return [known]


def fetch(file: RemoteFile) -> Path:
    """Return the whole copy of a file, fetched if need be.

    Raises:
        OSError: the disk is full or cannot be written to.
    """
    copy = copy_of(file.url)
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with locked(_beside(copy, "lock"), "", patient=True):
            if not _is_whole(copy, file):
                _download(file, copy)
    except OSError as error:
        raise refusal(error, copy, file.size) from None
    return copy


def fetch_url(url: str) -> Path:
    """Return the whole copy of the one file that a URL names."""
    files = list_files(url)
    if [file.url for file in files] != [url]:
        raise UserError(f"{shown(url)}: a file was expected, this is a folder")
    return fetch(files[0])


def here(path: Path | str) -> Path:
    """Return a file's path (`~` expanded), or the copy of the file that a URL names."""
    url = url_of(path)
    return fetch_url(url) if url else as_path(path).expanduser()


def all_here(paths: Sequence[Path]) -> list[Path]:
    """Return paths as they are, with the copies of the files of each URL in its place."""
    found: list[Path] = []
    for path in paths:
        if url := url_of(path):
            found += map(fetch, list_files(url))
        else:
            found.append(path)
    return found


def _is_whole(copy: Path, file: RemoteFile) -> bool:
    record = _record(_beside(copy, "json"))
    same = record.get("size") == file.size and record.get("tag") == file.tag
    if not (same and copy.is_file()):
        return False
    if sha256(copy) == record.get("sha256"):
        return True
    logger.warning("%s: differs from its checksum; fetching it again", copy)
    return False


def _known(url: str) -> RemoteFile | None:
    """Return the file as it was when its copy was made; None: there is no copy."""
    copy = copy_of(url)
    record = _record(_beside(copy, "json"))
    size, tag = record.get("size"), record.get("tag")
    if not (copy.is_file() and isinstance(size, int) and isinstance(tag, str)):
        return None
    return RemoteFile(url, size, tag)


def _download(file: RemoteFile, copy: Path) -> None:
    part, note = _beside(copy, "part"), _beside(copy, "part.json")
    expected = {"url": shown(file.url), "size": file.size, "tag": file.tag}
    if not file.tag or _record(note) != expected:
        part.unlink(missing_ok=True)
        write_json(note, expected)
    digest = _append(file, part)
    if Storage(scheme_of(file.url)).file(file.url) != file:
        part.unlink()
        raise UserError(f"{shown(file.url)}: changed while it was fetched; run it again")
    write_json(_beside(copy, "json"), expected | {"sha256": digest})
    os.replace(part, copy)
    note.unlink()


def _append(file: RemoteFile, part: Path) -> str:
    """Fetch what a partial copy lacks; return the SHA-256 of the whole."""
    storage, digest = Storage(scheme_of(file.url)), hashlib.sha256()
    with part.open("a+b") as out, Progress(_DISPLAY) as progress:
        if out.seek(0, os.SEEK_END) > file.size:
            out.truncate(0)
        out.seek(0)
        while data := out.read(BLOCK):
            digest.update(data)
        position = out.tell()
        progress.start(file.size / _MB, position / _MB)
        while position < file.size:
            end = min(position + BLOCK, file.size)
            data = storage.read(file, position, end)
            if len(data) != end - position:
                raise UserError(
                    f"{shown(file.url)}: {len(data):,} bytes came in place of "
                    f"{end - position:,}; run it again"
                )
            out.write(data)
            digest.update(data)
            position = end
            progress.advance(position / _MB, file=copy_of(file.url).name)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _beside(copy: Path, end: str) -> Path:
    return copy.with_name(f".{copy.name}.{end}")


def _record(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        content = read_json(file)
    except UserError:
        return {}
    return content if isinstance(content, dict) else {}
