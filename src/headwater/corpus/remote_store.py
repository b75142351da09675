"""Token stores by URL: their index and vocabulary are fetched, and shards when they are read.

    local_folder("s3://bucket/crawl.store")     ~/.cache/headwater/remote/s3/bucket/crawl.store

The files are those that `store.json` names, so that no list of the folder is asked for.
"""

from pathlib import Path

from headwater.corpus.store import STORE
from headwater.files import read_json
from headwater.paths import as_path
from headwater.remote.copies import fetch_url
from headwater.remote.urls import url_of


def local_folder(name: str | Path) -> Path:
    """Return the folder of a store (`~` expanded), or that of the copy of a URL's store."""
    url = url_of(name)
    return fetch_store(url) if url else as_path(name).expanduser()


def fetch_store(url: str) -> Path:
    """Return the folder with the copies of the files that a store's `store.json` names."""
    index = fetch_url(f"{url}/{STORE}")
    content = read_json(index)
    names = content.get("sha256") if isinstance(content, dict) else None
    for name in names if isinstance(names, dict) else ():
        fetch_url(f"{url}/{name}")
    return index.parent
