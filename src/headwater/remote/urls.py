"""Names of files elsewhere: `s3://`, `gs://`, `hf://`, `https://` and `http://`.

    url_of("s3://crawl/en/a.jsonl.gz")     "s3://crawl/en/a.jsonl.gz"
    url_of(Path("s3:/crawl/en"))           "s3://crawl/en": a Path has one slash of two
    url_of("books/a.txt")                  None

A file here of just that name comes first. A copy of a URL lies in the cache under the URL's own
parts, so that a folder there is a folder here:

    ~/.cache/headwater/remote/s3/crawl/en/a.jsonl.gz
"""

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from headwater.errors import UserError
from headwater.paths import as_text, cache_folder

SCHEMES: Final = ("s3", "gs", "hf", "https", "http")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/{1,2}(?=[^/])")  # no drive, such as C:/
_APART = "\0\\:" if os.name == "nt" else "\0"  # what is in no name, or cuts one into parts
_BESIDE = re.compile(r"\..+\.(json|part|lock|tmp)", re.DOTALL | re.IGNORECASE)
"""Names that lie beside copies, of what is known of them: no copy has one."""
_LONGEST_NAME = 240  # bytes: a file's name has 255, and those beside a copy are longer


def url_of(path: Path | str) -> str | None:
    """Return the URL that a path stands for, without a slash at its end; None: it is a path.

    An address of another scheme, such as `ftp://`, is refused.
    """
    found = _ADDRESS.match(str(path))
    if found is None or os.path.lexists(path):
        return None
    scheme = found[1].lower()
    url = f"{scheme}://{str(path)[found.end() :].rstrip('/')}"
    if scheme not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES[:-1])
        raise UserError(f"{shown(url)}: {known} or {SCHEMES[-1]}:// was expected")
    return url


def scheme_of(url: str) -> str:
    """Return which of SCHEMES a URL has."""
    return url.partition("://")[0]


def shown(url: str) -> str:
    """Return a URL without the password or the signature that may be in it."""
    parts = urlsplit(url)
    _, at, host = parts.netloc.rpartition("@") if parts.scheme != "hf" else ("", "", parts.netloc)
    return f"{parts.scheme}://{'...@' if at else ''}{host}{parts.path}"


def remote_folder() -> Path:
    """Return where copies are kept; it may be deleted at any time between runs."""
    return cache_folder("remote")


def copy_of(url: str) -> Path:
    """Return where the copy of a URL lies, whether or not it is there."""
    scheme, _, rest = url.partition("://")
    parts = rest.split("/")
    for part in parts:
        if not _is_name(part):
            raise UserError(
                f"{shown(url)}: the part {part[:40]!r} of it is no name for a file here; rename it "
                "there, or fetch it yourself"
            )
    return remote_folder().joinpath(scheme, *parts)


def _is_name(part: str) -> bool:
    """Tell whether a part of a URL can be a file's name here, and replaces nothing else."""
    if part in ("", ".", "..") or set(_APART) & set(part) or _BESIDE.fullmatch(part):
        return False
    return len(os.fsencode(part)) <= _LONGEST_NAME


def url_of_copy(path: Path) -> str | None:
    """Return the URL of which a file or folder is the copy; None: it is no copy."""
    try:
        scheme, *parts = path.relative_to(remote_folder()).parts
    except ValueError:
        return None
    return f"{scheme}://{'/'.join(parts)}"


def origin(path: Path) -> str:
    """Return the URL of which a file is the copy; of any other file, its path as text."""
    return url_of_copy(path) or as_text(path)
