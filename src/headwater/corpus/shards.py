"""A token store in shards: an index, and a store for each part of the text.

    store.json      what there is in all, and for each shard its numbers and its fingerprint
    vocabulary/     the vocabulary of all
    shards/00000/   a store (`headwater.corpus.store`) without a vocabulary

The index alone says which sequence lies where. A shard is mapped, and compared with its checksums,
when it is first read.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Final, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from headwater.config import Config
from headwater.corpus.remote_store import fetch_store
from headwater.corpus.store import (
    STORE,
    VOCABULARY,
    StoreInfo,
    StoreSummary,
    TokenStore,
    load_vocabulary_of,
)
from headwater.errors import UserError
from headwater.files import read_json, sha256
from headwater.remote.urls import url_of_copy
from headwater.text.vocabulary import Vocabulary

FORMAT: Final = 2
SHARDS: Final = "shards"

Count = Annotated[int, Field(ge=1, le=1 << 53)]
"""Of what no shard lacks; a sum of many is still an int64."""


class ShardInfo(Config):
    """A shard: its folder below `shards`, its numbers, and the fingerprint of its store."""

    name: Annotated[str, Field(pattern=r"^[0-9]{5,9}$")]
    documents: Count
    sentences: Count
    tokens: Count
    fingerprint: str


class ShardIndex(StoreSummary):
    """The content of `store.json`; `sha256` is of the vocabulary's files, by file name."""

    format: Literal[2] = FORMAT
    shards: list[ShardInfo]


@final
class ShardedStore:
    """A store in shards on the disk.

    sizes: int64 `[shards, 2]`, the tokens and the documents of each.
    """

    def __init__(self, folder: Path, info: ShardIndex) -> None:
        self.folder = folder
        self.info = info
        self.sizes = np.array([(each.tokens, each.documents) for each in info.shards], np.int64)
        self._verified: set[int] = set()
        if any(
            sum(getattr(each, name) for each in info.shards) != getattr(info, name)
            for name in ("documents", "sentences", "tokens")
        ):
            raise UserError(f"{folder / STORE}: its shards are not its sum; copy the store again")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a store; no shard is read."""
        return cls(folder, ShardIndex.check(read_json(folder / STORE), str(folder / STORE)))

    def __len__(self) -> int:
        """Return the number of documents."""
        return self.info.documents

    def shard(self, number: int) -> TokenStore:
        """Open a shard; the first time it is read whole and compared with its checksums.

        A shard of a store that is the copy of a URL's is fetched then.
        """
        known = self.info.shards[number]
        folder = self.folder / SHARDS / known.name
        if number not in self._verified and (url := url_of_copy(folder)):
            fetch_store(url)
        store = TokenStore.open(folder)
        same = store.info.vocabulary == self.info.vocabulary
        if not same or shard_info(known.name, store.info) != known:
            raise UserError(f"{folder}: not the shard of {self.folder / STORE}; copy it again")
        if number not in self._verified:
            store.verify()
            self._verified.add(number)
        return store

    def locate(self, document: int) -> tuple[TokenStore, int]:
        """Return the shard of a document, and its index there."""
        if not 0 <= document < len(self):
            raise IndexError(f"document {document} of {len(self)}")
        ends: NDArray[np.int64] = np.cumsum(self.sizes[:, 1])
        number = int(np.searchsorted(ends, document, side="right"))
        return self.shard(number), document - int(ends[number] - self.sizes[number, 1])

    @property
    def fingerprint(self) -> str:
        """SHA-256 over those of the shards and of the vocabulary's files."""
        parts = [[each.fingerprint for each in self.info.shards], self.info.sha256]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def vocabulary_fingerprint(self) -> str:
        """The fingerprint of the vocabulary that made the ids."""
        return self.info.vocabulary.fingerprint

    def load_vocabulary(self) -> Vocabulary:
        """Load the vocabulary that made the ids."""
        return load_vocabulary_of(self.folder / VOCABULARY, self.info.vocabulary)

    def verify(self) -> None:
        """Read every file, compare it with its checksum, and check that its numbers can be."""
        self.verify_index()
        for number in range(len(self.info.shards)):
            self._verified.discard(number)
            self.shard(number)

    def verify_index(self) -> None:
        """Compare the vocabulary with its checksums, and see that every shard is there.

        Shards of a URL's store are fetched when they are read.
        """
        for name, digest in self.info.sha256.items():
            file = self.folder / name
            if not file.is_file() or sha256(file) != digest:
                raise UserError(f"{file}: missing or changed; copy the store again")
        if url_of_copy(self.folder):
            return
        for each in self.info.shards:
            folder = self.folder / SHARDS / each.name
            if not (folder / STORE).is_file():
                raise UserError(f"{folder}: missing; copy the store again")


AnyStore = TokenStore | ShardedStore


def open_store(folder: Path) -> AnyStore:
    """Open a store of either kind."""
    file = folder / STORE
    if file.is_file():
        content = read_json(file)
        if isinstance(content, dict) and content.get("format") == FORMAT:
            return ShardedStore.open(folder)
    return TokenStore.open(folder)


def shard_info(name: str, info: StoreInfo) -> ShardInfo:
    """Return the entry of a shard in the index."""
    return ShardInfo(
        name=name,
        documents=info.documents,
        sentences=info.sentences,
        tokens=info.tokens,
        fingerprint=info.fingerprint,
    )
