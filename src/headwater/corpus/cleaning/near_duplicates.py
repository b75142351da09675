"""Pages that are nearly the same, over the whole set, by datatrove's MinHash (Broder 1997).

Pages that share most of their runs of five words fall into one bucket of hashes with a probability
of 1 - (1 - s^8)^14, where s is the share (Penedo et al. 2024, section 3.4): 0.92 at s = 0.8, 0.05
at s = 0.5. All but the first page of such a cluster go, in the order of the pages.

    SignPages     a task a shard     kept pages -> signatures
    FindPairs     14 tasks           the signatures of all shards -> pairs of pages
    Cluster       one task           pairs -> for each shard, the pages to drop

Words are found by our own splitter, so neither spaCy nor NLTK is needed.
"""

import struct
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupSignature,
)
from datatrove.utils.hashing import HashConfig
from datatrove.utils.word_tokenizers import WordTokenizer

from headwater.corpus.cleaning.pages import KEPT, records
from headwater.corpus.cleaning.rewriting import PAGES, Rewriting, rewrite, task_folder
from headwater.data.overlap import WORD
from headwater.files import replacing_folder

BUCKETS: Final = 14
NEAR: Final = "near_duplicate"
_CONFIG = MinhashConfig(5, BUCKETS, 8, hash_config=HashConfig(64, "sha1"))
_SIGNATURES, _PAIRS, _CLUSTERS, _FOUND = "signatures", "pairs", "clusters", "near"


class Words(WordTokenizer):  # type: ignore[misc]
    """Splits texts as the rest of this library does."""

    def word_tokenize(self, text: str) -> list[str]:
        """Return the words of a text."""
        return WORD.findall(text)

    def sent_tokenize(self, text: str) -> list[str]:
        """Return the text; MinHash asks for no sentences."""
        return [text]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Return where the text stands."""
        return [(0, len(text))]


@dataclass(frozen=True)
class SignPages:
    """Write the signatures of a shard's kept pages."""

    work: Path
    before: str

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        kept = records(task_folder(self.work, self.before, rank) / f"{KEPT}{PAGES}")
        pages = (Document(record["text"], str(number)) for number, record in enumerate(kept))
        folder = str(self.work / _SIGNATURES)
        MinhashDedupSignature(folder, _CONFIG, Words()).run(pages, rank, world_size)


@dataclass(frozen=True)
class FindPairs:
    """Compare the signatures of all shards in one bucket."""

    work: Path

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        folders = (str(self.work / name) for name in (_SIGNATURES, _PAIRS))
        MinhashDedupBuckets(*folders, config=_CONFIG).run(None, rank, world_size)


@dataclass(frozen=True)
class Cluster:
    """Join pairs to clusters, and choose the first page of each."""

    work: Path
    shards: int

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        clusters = self.work / _CLUSTERS
        pairs = str(self.work / _PAIRS)
        with redirect_stderr(StringIO()):  # it draws a bar
            MinhashDedupCluster(pairs, str(clusters), _CONFIG, save_cluster_id=True).run(None, 0, 1)
        seen: set[int] = set()
        with replacing_folder(self.work / _FOUND) as folder:
            for shard in range(self.shards):
                file = clusters / f"{shard:06d}.clusters"
                content = file.read_bytes() if file.is_file() else b""
                again = []
                for page, cluster in struct.iter_unpack("<2I", content):
                    if cluster in seen:
                        again.append((page, cluster))
                    seen.add(cluster)
                np.save(folder / f"{shard:05d}.npy", np.array(again, np.int64).reshape(-1, 2))


@dataclass(frozen=True)
class DropNear:
    """Drop the pages of a shard that are nearly those before them."""

    rewriting: Rewriting

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        found = np.load(self.rewriting.work / _FOUND / f"{rank:05d}.npy")
        again = dict(found.tolist())

        def change(number: int, record: Any, counts: Any) -> str | None:
            return f"cluster {again[number]}" if number in again else None

        rewrite(self.rewriting, rank, NEAR, change)
