"""The work of cleaning as stages of tasks, which `datatrove` runs here or on a cluster.

    ApplyRules    a task a shard     pages -> kept pages, dropped pages, spans by hash
    FindRepeats   a task a bucket    the spans of all shards -> where repeated ones begin
    DropRepeats   a task a shard     kept pages -> without repeated spans
    (NoteWords, DropWords of `word_steps`; SignPages to DropNear of `near_duplicates`)
    Finish        one task           all shards -> the output folder, with the report

Each is a callable of (data, rank, number of tasks), which is what `datatrove` calls a pipeline
step. A task's files lie in a folder of its own that appears once it is whole. The exceptions are
SignPages, FindPairs and the clusters of `near_duplicates`: `datatrove` writes their files in place,
under names by task, and the next stage reads them only after all tasks are done. So a task can be
done again at any time.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from headwater.corpus.cleaning.languages import detector
from headwater.corpus.cleaning.line_statistics import add_statistics, line_statistics
from headwater.corpus.cleaning.pages import (
    DROPPED,
    KEPT,
    Record,
    dropped_record,
    kept_record,
    read_pages,
    written,
)
from headwater.corpus.cleaning.report import READ, REPORT, count_page, make_report
from headwater.corpus.cleaning.rewriting import (
    COUNTS,
    ORIGINAL,
    PAGES,
    Rewriting,
    rewrite,
    task_folder,
)
from headwater.corpus.cleaning.rules import BadWords, Rules, RulesConfig
from headwater.corpus.cleaning.spans import Records, SpanList, repeats, split, without_repeats
from headwater.corpus.read import SHOWN, BadLines
from headwater.corpus.store import SourceInfo
from headwater.files import link, read_json, replacing_folder, write_json
from headwater.paths import as_text

SHARDS_PER_BUCKET: Final = 16  # whose spans fit into half a gigabyte
RULES: Final = "rules"
SPANS: Final = "spans.npy"


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
        rules = Rules(self.rules, detector(self.rules.language_detector), words)
        counts: Counter[str] = Counter()
        spans, bad = SpanList(), BadLines()
        with (
            replacing_folder(task_folder(self.work, RULES, rank)) as folder,
            written(folder / f"{KEPT}{PAGES}") as keep,
            written(folder / f"{DROPPED}{PAGES}") as drop,
        ):
            kept = 0
            for page in read_pages(self.shards[rank], self.field, bad):
                lines = line_statistics(page.text)
                verdict = rules.judge(page.text, lines)
                count_page(counts, page.text, verdict)
                add_statistics(counts, READ, lines)
                if verdict.rule:
                    drop(dropped_record(page, verdict.rule, verdict.why))
                    continue
                spans.add(kept, verdict.text)
                kept += 1
                keep(kept_record(page, verdict.text, verdict.removed) | {ORIGINAL: page.text})
            np.save(folder / SPANS, spans.by_hash())
            counts["unreadable"] = bad.count
            write_json(folder / COUNTS, {"counts": counts, "named": bad.named})


@dataclass(frozen=True)
class FindRepeats:
    """Compare the spans of all shards, those of one bucket of hashes.

    spans, repeats: the stages that noted the spans, and this one.
    """

    work: Path
    shards: int
    spans: str
    repeats: str

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        spans = (_array(self.work, self.spans, shard) for shard in range(self.shards))
        with replacing_folder(task_folder(self.work, self.repeats, rank)) as folder:
            np.save(folder / SPANS, repeats(spans, rank, world_size))


@dataclass(frozen=True)
class DropRepeats:
    """Take repeated spans out of a shard's kept pages."""

    rewriting: Rewriting
    repeats: str
    buckets: int
    min_sentences: int

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        starts = starts_of(self.rewriting.work, self.repeats, self.buckets, rank)

        def change(number: int, record: Record, counts: Counter[str]) -> str | None:
            sentences = self._clear(record, starts.get(number, []), counts)
            return str(sentences) if sentences < self.min_sentences else None

        rewrite(self.rewriting, rank, "repeated", change)

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
    """Put the shards together to the output folder.

    stages: those that counted pages; the last one has them as they are.
    """

    work: Path
    stages: tuple[str, ...]
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
                for stage in self.stages:
                    content = read_json(task_folder(self.work, stage, shard) / COUNTS)
                    counts.update(content["counts"])
                    named += content["named"]
                for kind in (KEPT, DROPPED):
                    file = task_folder(self.work, self.stages[-1], shard) / f"{kind}{PAGES}"
                    link(file, folder / kind / f"{shard:05d}{PAGES}")
            report = make_report(
                counts,
                named[:SHOWN],
                self.sources,
                [as_text(file) for file in self.passed_over],
                self.rules,
                self.bad_words,
            )
            write_json(folder / REPORT, json.loads(report.model_dump_json()))


def starts_of(work: Path, repeats: str, buckets: int, shard: int) -> dict[int, list[int]]:
    """Return where repeated spans begin on the pages of a shard, by page."""
    starts: dict[int, list[int]] = {}
    for bucket in range(buckets):
        found = _array(work, repeats, bucket)
        first, last = np.searchsorted(found["shard"], (shard, shard + 1))
        for _, page, begin in found[first:last].tolist():
            starts.setdefault(page, []).append(begin)
    return starts


def _array(work: Path, stage: str, rank: int) -> Records:
    found: Records = np.load(task_folder(work, stage, rank) / SPANS, mmap_mode="r")
    return found
