"""The work of building a store in shards as two stages of tasks, which `datatrove` runs.

    EncodeShard   a task a shard     files -> a store of them
    JoinShards    one task           all shards -> the output folder, with the index

A shard's folder appears once it is whole, so a task can be done again at any time.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headwater.corpus.encode import chunks, encode
from headwater.corpus.held_out import HeldOut, without_overlaps
from headwater.corpus.read import SHOWN, DocumentReader
from headwater.corpus.shards import SHARDS, ShardIndex, ShardInfo, shard_info
from headwater.corpus.store import STORE, VOCABULARY, SourceInfo, StoreInfo, StoreWriter
from headwater.errors import UserError
from headwater.files import link, read_json, replacing_folder, sha256, write_json
from headwater.text.loading import load_vocabulary

_BAD: Final = "bad_lines"


@dataclass(frozen=True)
class EncodeShard:
    """Make a store of a shard's files, with the vocabulary in the work folder."""

    work: Path
    parts: list[list[Path]]
    field: str
    held_out: list[Path]

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        vocabulary = load_vocabulary(self.work / VOCABULARY)
        held_out = HeldOut(self.held_out) if self.held_out else None
        reader = DocumentReader(self.parts[rank], self.field)
        parts = without_overlaps(reader, held_out) if held_out else iter(reader)
        with replacing_folder(self.work / SHARDS / shard_name(rank)) as folder:
            with closing(StoreWriter(folder, vocabulary)) as writer:
                for ids, ends, last in encode(vocabulary, chunks(parts)):
                    writer.add(ids, ends, last=last)
                writer.finish([], reader.bad.count, held_out.dropped if held_out else 0)
            write_json(self.work / _BAD / f"{shard_name(rank)}.json", reader.bad.named)


@dataclass(frozen=True)
class JoinShards:
    """Put the shards with documents together to a store."""

    work: Path
    output: Path
    parts: int
    sources: list[SourceInfo]

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        infos = {name: self._info(name) for name in map(shard_name, range(self.parts))}
        full = {name: info for name, info in infos.items() if info.documents}
        if not full:
            named = bad_lines(self.work, self.parts)
            hint = f"; {named[0]}" if named else "; all of it is empty"
            raise UserError(f"nothing to store was found in the input{hint}")
        with replacing_folder(self.output) as folder:
            for file in _files(self.work / VOCABULARY):
                link(file, folder / file.relative_to(self.work))
            for name in full:
                for file in _files(self.work / SHARDS / name):
                    link(file, folder / file.relative_to(self.work))
            shards = [shard_info(name, info) for name, info in full.items()]
            sums = {
                file.relative_to(folder).as_posix(): sha256(file)
                for file in _files(folder / VOCABULARY)
            }
            index = _index(list(infos.values()), shards, self.sources, sums)
            write_json(folder / STORE, index.model_dump())

    def _info(self, name: str) -> StoreInfo:
        file = self.work / SHARDS / name / STORE
        return StoreInfo.check(read_json(file), str(file))


def shard_name(number: int) -> str:
    """Return the name of a shard's folder."""
    return f"{number:05d}"


def bad_lines(work: Path, parts: int) -> list[str]:
    """Return the first lines that could not be read."""
    found: list[str] = []
    for number in range(parts):
        if len(found) < SHOWN:
            found += read_json(work / _BAD / f"{shard_name(number)}.json")
    return found[:SHOWN]


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())


def _index(
    infos: Sequence[StoreInfo],
    shards: list[ShardInfo],
    sources: list[SourceInfo],
    sums: dict[str, str],
) -> ShardIndex:
    def total(name: str) -> int:
        return sum(getattr(info, name) for info in infos)

    return ShardIndex(
        dtype=infos[0].dtype,
        documents=total("documents"),
        sentences=total("sentences"),
        tokens=total("tokens"),
        vocabulary=infos[0].vocabulary,
        sources=sources,
        bad_lines=total("bad_lines"),
        empty_documents=total("empty_documents"),
        overlapping_paragraphs=total("overlapping_paragraphs"),
        unknown_tokens=total("unknown_tokens"),
        shards=shards,
        sha256=sums,
    )
