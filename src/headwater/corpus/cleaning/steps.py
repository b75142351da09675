"""The work of cleaning as four stages of tasks, which `datatrove` runs here or on a cluster.

    ApplyRules    a task a shard     pages -> kept pages, dropped pages, spans by hash
    FindRepeats   a task a bucket    the spans of all shards -> where repeated ones begin
    DropRepeats   a task a shard     kept pages -> without repeated spans
    Finish        one task           all shards -> the output folder, with the report

Each is a callable of (data, rank, number of tasks), which is what `datatrove` calls a pipeline
step. A task's files lie in a folder of its own that appears once it is whole, so a task can be
done again at any time.
"""

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from headwater.corpus.cleaning.pages import (
    DROPPED,
    KEPT,
    Page,
    Record,
    dropped_record,
    kept_record,
    read_pages,
    records,
    written,
)
from headwater.corpus.cleaning.report import REPORT, count_page, make_report
from headwater.corpus.cleaning.rules import BadWords, Rules, RulesConfig, language_of
from headwater.corpus.cleaning.spans import Records, SpanList, repeats, split, without_repeats
from headwater.corpus.read import SHOWN, BadLines
from headwater.corpus.store import SourceInfo
from headwater.files import link, read_json, replacing_folder, write_json
from headwater.paths import as_text

SHARDS_PER_BUCKET: Final = 16  # whose spans fit into half a gigabyte
_RULES, _REPEATS, _UNIQUE = "rules", "repeats", "unique"
_PAGES = ".jsonl.gz"
_SPANS, _COUNTS = "spans.npy", "counts.json"


@dataclass(frozen=True)
class ApplyRules:
    """Judge the pages of a shard one by one."""

    work: Path
    shards: list[list[Path]]
    field: str
    rules: RulesConfig
    bad_words: tuple[str, ...] | None

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        words = None if self.bad_words is None else BadWords(self.bad_words)
        rules = Rules(self.rules, language_of, words)
        counts: Counter[str] = Counter()
        spans, bad = SpanList(), BadLines()
        with (
            replacing_folder(_task(self.work, _RULES, rank)) as folder,
            written(folder / f"{KEPT}{_PAGES}") as keep,
            written(folder / f"{DROPPED}{_PAGES}") as drop,
        ):
            kept = 0
            for page in read_pages(self.shards[rank], self.field, bad):
                verdict = rules.judge(page.text)
                count_page(counts, page.text, verdict)
                if verdict.rule:
                    drop(dropped_record(page, verdict.rule, verdict.why))
                    continue
                spans.add(kept, verdict.text)
                kept += 1
                keep(kept_record(page, verdict.text, verdict.removed) | {"original": page.text})
            np.save(folder / _SPANS, spans.by_hash())
            counts["unreadable"] = bad.count
            write_json(folder / _COUNTS, {"counts": counts, "named": bad.named})


@dataclass(frozen=True)
class FindRepeats:
    """Compare the spans of all shards, those of one bucket of hashes."""

    work: Path
    shards: int

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        spans = (_array(self.work, _RULES, shard) for shard in range(self.shards))
        with replacing_folder(_task(self.work, _REPEATS, rank)) as folder:
            np.save(folder / _SPANS, repeats(spans, rank, world_size))


@dataclass(frozen=True)
class DropRepeats:
    """Take repeated spans out of a shard's kept pages."""

    work: Path
    buckets: int
    min_sentences: int

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        starts = self._starts(rank)
        counts: Counter[str] = Counter()
        before = _task(self.work, _RULES, rank)
        with replacing_folder(_task(self.work, _UNIQUE, rank)) as folder:
            shutil.copyfile(before / f"{DROPPED}{_PAGES}", folder / f"{DROPPED}{_PAGES}")
            with (
                written(folder / f"{KEPT}{_PAGES}") as keep,
                written(folder / f"{DROPPED}{_PAGES}", append=True) as drop,
            ):
                for number, record in enumerate(records(before / f"{KEPT}{_PAGES}")):
                    original = record.pop("original")
                    sentences = self._clear(record, starts.get(number, []), counts)
                    if sentences < self.min_sentences:
                        page = Page(original, record["source"], record["page"], record["url"])
                        counts["page:repeated"] += 1
                        drop(dropped_record(page, "repeated", str(sentences)))
                    else:
                        counts["characters_kept"] += len(record["text"])
                        keep(record)
            write_json(folder / _COUNTS, {"counts": counts, "named": []})

    def _starts(self, shard: int) -> dict[int, list[int]]:
        """Return the sentences at which repeated spans begin, by page."""
        starts: dict[int, list[int]] = {}
        for bucket in range(self.buckets):
            found = _array(self.work, _REPEATS, bucket)
            first, last = np.searchsorted(found["shard"], (shard, shard + 1))
            for _, page, sentence in found[first:last].tolist():
                starts.setdefault(page, []).append(sentence)
        return starts

    def _clear(self, record: Record, starts: list[int], counts: Counter[str]) -> int:
        """Take the spans out of a record's text; returns how many sentences are left."""
        total = sum(map(len, split(record["text"])))
        if not starts:
            return total
        record["text"], removed, gone = without_repeats(record["text"], starts)
        record["removed"] += [each._asdict() for each in removed]
        counts["repeated_sentences"] += gone
        return total - gone


@dataclass(frozen=True)
class Finish:
    """Put the shards together to the output folder."""

    work: Path
    output: Path
    shards: int
    sources: list[SourceInfo]
    passed_over: tuple[Path, ...]
    rules: RulesConfig
    bad_words: int | None

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        counts: Counter[str] = Counter()
        named: list[str] = []
        with replacing_folder(self.output) as folder:
            for kind in (KEPT, DROPPED):
                (folder / kind).mkdir()
            for shard in range(self.shards):
                for stage in (_RULES, _UNIQUE):
                    content = read_json(_task(self.work, stage, shard) / _COUNTS)
                    counts.update(content["counts"])
                    named += content["named"]
                for kind in (KEPT, DROPPED):
                    file = _task(self.work, _UNIQUE, shard) / f"{kind}{_PAGES}"
                    link(file, folder / kind / f"{shard:05d}{_PAGES}")
            report = make_report(
                counts,
                named[:SHOWN],
                self.sources,
                [as_text(file) for file in self.passed_over],
                self.rules,
                self.bad_words,
            )
            write_json(folder / REPORT, json.loads(report.model_dump_json()))


def _task(work: Path, stage: str, rank: int) -> Path:
    return work / stage / f"{rank:05d}"


def _array(work: Path, stage: str, rank: int) -> Records:
    found: Records = np.load(_task(work, stage, rank) / _SPANS, mmap_mode="r")
    return found
