"""A stage that goes once more through the kept pages of a shard.

Each reads the folder of the stage before it and writes one of its own, which appears once it is
whole. Kept pages bring their text as it was read, under `original`, until the last such stage.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headwater.corpus.cleaning.line_statistics import add_statistics, line_statistics
from headwater.corpus.cleaning.pages import (
    DROPPED,
    KEPT,
    Page,
    Record,
    dropped_record,
    records,
    written,
)
from headwater.files import replacing_folder, write_json

PAGES: Final = ".jsonl.gz"
COUNTS: Final = "counts.json"
ORIGINAL: Final = "original"

Change = Callable[[int, Record, Counter[str]], str | None]
"""Changes a page by its number in the shard; says why it is to be dropped, or None."""


@dataclass(frozen=True)
class Rewriting:
    """From the folders of one stage to those of another.

    last: whether no further stage goes through the pages.
    """

    work: Path
    before: str
    after: str
    last: bool


def task_folder(work: Path, stage: str, rank: int) -> Path:
    """Return the folder of a task."""
    return work / stage / f"{rank:05d}"


def rewrite(rewriting: Rewriting, rank: int, rule: str, change: Change) -> None:
    """Change the kept pages of a shard, and drop those of which `change` says so by `rule`."""
    counts: Counter[str] = Counter()
    before = task_folder(rewriting.work, rewriting.before, rank)
    with replacing_folder(task_folder(rewriting.work, rewriting.after, rank)) as folder:
        shutil.copyfile(before / f"{DROPPED}{PAGES}", folder / f"{DROPPED}{PAGES}")
        with (
            written(folder / f"{KEPT}{PAGES}") as keep,
            written(folder / f"{DROPPED}{PAGES}", append=True) as drop,
        ):
            for number, record in enumerate(records(before / f"{KEPT}{PAGES}")):
                why = change(number, record, counts)
                if why is not None:
                    page = Page(record[ORIGINAL], record["source"], record["page"], record["url"])
                    counts[f"page:{rule}"] += 1
                    drop(dropped_record(page, rule, why))
                    continue
                if rewriting.last:
                    del record[ORIGINAL]
                    counts["characters_kept"] += len(record["text"])
                    add_statistics(counts, KEPT, line_statistics(record["text"]))
                keep(record)
        write_json(folder / COUNTS, {"counts": counts, "named": []})
