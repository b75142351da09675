"""The stages that take out repeated runs of words.

NoteWords     a task a shard     kept pages -> runs by hash
FindRepeats   a task a bucket    the runs of all shards -> where repeated ones begin
DropWords     a task a shard     kept pages -> without repeated runs
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headwater.corpus.cleaning.pages import KEPT, Record, records
from headwater.corpus.cleaning.rewriting import PAGES, Rewriting, rewrite, task_folder
from headwater.corpus.cleaning.spans import split
from headwater.corpus.cleaning.steps import SPANS, starts_of
from headwater.corpus.cleaning.word_spans import REPEATED_WORDS, WordSpans, without_words
from headwater.files import replacing_folder


@dataclass(frozen=True)
class NoteWords:
    """Note the runs of `length` words of a shard's kept pages."""

    work: Path
    before: str
    spans: str
    length: int

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        runs = WordSpans(self.length)
        kept = records(task_folder(self.work, self.before, rank) / f"{KEPT}{PAGES}")
        for number, record in enumerate(kept):
            runs.add(number, record["text"])
        with replacing_folder(task_folder(self.work, self.spans, rank)) as folder:
            np.save(folder / SPANS, runs.by_hash())


@dataclass(frozen=True)
class DropWords:
    """Take repeated runs of words out of a shard's kept pages."""

    rewriting: Rewriting
    repeats: str
    buckets: int
    length: int
    min_sentences: int

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        starts = starts_of(self.rewriting.work, self.repeats, self.buckets, rank)

        def change(number: int, record: Record, counts: Counter[str]) -> str | None:
            if number not in starts:
                return None
            text, removed, gone = without_words(record["text"], starts[number], self.length)
            record["text"] = text
            record["removed"] += [each._asdict() for each in removed]
            counts["repeated_words"] += gone
            sentences = sum(map(len, split(text)))
            return str(sentences) if sentences < self.min_sentences else None

        rewrite(self.rewriting, rank, REPEATED_WORDS, change)
