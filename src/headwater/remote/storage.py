"""What lies behind a URL: obstore's and huggingface_hub's classes of `fsspec`, with clear errors.

Keys are the environment's: `AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT_URL`,
`AWS_SKIP_SIGNATURE`, `GOOGLE_SERVICE_ACCOUNT`, `HF_TOKEN` and the others of these two libraries.
"""

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, Final, final
from urllib.parse import unquote, urlsplit

from headwater.errors import UserError
from headwater.remote.environment import check_environment
from headwater.remote.urls import scheme_of, shown

_WEB = ("http", "https")
_PATTERN = frozenset("*?[")
_RETRIES: Final = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
_CLIENT: Final = {"connect_timeout": "15s", "timeout": "120s"}
_KEYS: Final = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SKIP_SIGNATURE=true if public",
    "gs": "set GOOGLE_SERVICE_ACCOUNT to a key file, or GOOGLE_SKIP_SIGNATURE=true if it is public",
    "hf": "set HF_TOKEN, or `hf auth login`",
}
_REFUSED = ("unauthenticated", "permissiondenied", "gatedrepo", "permissionerror")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file elsewhere.

    size: in bytes.
    tag: another one whenever the content is another; "" where the server gives none.
    """

    url: str
    size: int
    tag: str


class Unreachable(UserError):
    """A server that does not answer as it should: what was fetched before may do."""


@final
class Storage:
    """The files of one scheme."""

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self._system = _system(scheme)

    def find(self, url: str) -> list[RemoteFile]:
        """Return the files that a URL names: one, those below a folder, or those of a pattern.

        They come in the order in which the files of a folder here do; a folder's hidden files and
        folders are left out, as there.
        """
        key, by_pattern = self._key(url), False
        try:
            if self._scheme not in _WEB and _PATTERN & set(url):
                found, by_pattern = self._system.glob(key, detail=True), True
            else:
                info = self._system.info(key)
                if info["type"] != "directory":
                    return [RemoteFile(url, info["size"], _tag(info))]
                found = self._system.find(key, detail=True)
        except Exception as error:  # the clients raise their own, httpx's and the system's errors
            raise _told(error, url) from None
        files = [
            RemoteFile(f"{self._scheme}://{name}", info["size"], _tag(info))
            for name, info in sorted(found.items(), key=lambda item: item[0].split("/"))
            if info["type"] == "file" and not name.endswith("/")
            if by_pattern or "/." not in f"/{name.removeprefix(key).lstrip('/')}"
        ]
        if not files:
            raise UserError(f"{shown(url)}: there is no file of that name")
        return files

    def file(self, url: str) -> RemoteFile:
        """Return the one file of just that name, which may hold what a pattern has."""
        try:
            info = self._system.info(self._key(url))
        except Exception as error:
            raise _told(error, url) from None
        return RemoteFile(url, info["size"], _tag(info))

    def read(self, file: RemoteFile, begin: int, end: int) -> bytes:
        """Return some bytes of a file; all of them are asked for without a range."""
        key = self._key(file.url)
        try:
            if (begin, end) == (0, file.size):
                return bytes(self._system.cat_file(key))
            return bytes(self._system.cat_file(key, start=begin, end=end))
        except Exception as error:
            raise _told(error, file.url) from None

    def _key(self, url: str) -> str:
        if self._scheme in _WEB:
            return unquote(url)
        return url.partition("://")[2]  # patterns match names without a scheme


def _system(scheme: str) -> Any:
    if scheme == "hf":
        from huggingface_hub import HfFileSystem

        return HfFileSystem(skip_instance_cache=True)
    if find_spec("obstore") is None or find_spec("fsspec") is None:
        raise UserError(f"{scheme}:// needs obstore; pip install 'headwater[remote]'")
    from obstore.fsspec import FsspecStore

    if scheme == "s3":
        check_environment()
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "") if scheme == "s3" else f"{scheme}:"
    options: dict[str, Any] = {"retry_config": _RETRIES, "skip_instance_cache": True}
    options["client_options"] = _CLIENT | {"allow_http": endpoint.startswith("http:")}
    make: Any = FsspecStore  # its overloads know each scheme alone
    return make(scheme, **options)


def check_url(url: str) -> None:
    """Refuse a URL that cannot be fetched, before a socket is opened."""
    parts = urlsplit(url)
    web = parts.scheme in _WEB
    if web and (parts.query or parts.fragment or "@" in parts.netloc):
        raise UserError(
            f"{shown(url)}: an address with ?, # or a password is not fetched; download the file "
            "and name it"
        )
    if not parts.path.strip("/"):
        what = "a bucket alone" if parts.scheme in ("s3", "gs") else "no file"
        raise UserError(f"{shown(url)}: {what}; name a file or a folder in it")


def _tag(info: dict[str, Any]) -> str:
    """Return the version of a file's content, by the best that its server tells."""
    modified = info.get("last_modified")
    if modified is not None and not modified.timestamp():  # obstore's way to say: not told
        modified = None
    found = info.get("e_tag") or info.get("blob_id") or modified
    return str(found or "")


def _told(error: Exception, url: str) -> UserError:
    """Say in a line what went wrong, and what to do about it."""
    where, scheme = shown(url), scheme_of(url)
    kind = type(error).__name__.lower()
    whole = str(error).strip() or type(error).__name__
    said, reason = whole.split("\n")[0], _reason(whole)
    nothing = "PROPFIND" in said  # obstore asks for a list of what is no file; few servers have one
    if isinstance(error, FileNotFoundError) or nothing or "notfound" in kind:
        return UserError(f"{where}: there is no file of that name")
    if kind.startswith(_REFUSED) or any(f" {code} " in said for code in (401, 403)):
        hint = _KEYS.get(scheme, "see its terms")
        return UserError(f"{where}: not given to you ({reason}); {hint}")
    hint = f"; {_KEYS[scheme]}" if "credential" in said.lower() and scheme in _KEYS else ""
    return Unreachable(f"{where}: could not be fetched ({reason}){hint}")


def _reason(said: str) -> str:
    """Return what went wrong without what obstore says around it, such as the address.

    >>> _reason("Generic HTTP error: Error performing GET http://x in 3ms - not UTF-8")
    'not UTF-8'
    """
    if status := re.search(r"status code: (\d{3}[\w ]*)", said):
        return f"the server says {status[1].strip()}"
    if "kind: Connect" in said:
        return "no server answers at this address"
    if "kind: Timeout" in said:
        return "the server did not answer in time"
    return said.split("\n")[0].rpartition(" - ")[2][:200]
