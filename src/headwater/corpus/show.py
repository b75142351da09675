"""What `corpus show` shows: documents of a token store, or pages of a cleaned set."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from headwater.corpus.cleaning.pages import DROPPED, KEPT, Record, records
from headwater.corpus.cleaning.report import read_report
from headwater.corpus.cleaning.rules import FURTHER_RULES, PAGE_RULES
from headwater.corpus.shards import AnyStore, ShardedStore
from headwater.errors import UserError, did_you_mean

_PREVIEW = 200  # tokens of a document when several are shown


def summary(store: AnyStore) -> dict[str, Any]:
    """Return the contents and the origin of a store, for JSON."""
    info = store.info.model_dump()
    del info["sha256"]
    if isinstance(store, ShardedStore):
        info["shards"] = len(store.info.shards)
    return info | {"fingerprint": store.fingerprint}


def texts(store: AnyStore, first: int | None, count: int) -> list[dict[str, Any]]:
    """Decode `count` documents from `first` on; None: the beginnings of the first ones."""
    if first is not None and not 0 <= first < len(store):
        raise UserError(
            f"--document {first}: there is none; {store.folder} has 0 to {len(store) - 1}"
        )
    vocabulary = store.load_vocabulary()
    begin = first or 0
    found = []
    for index in range(begin, min(begin + count, len(store))):
        part, own = store.locate(index) if isinstance(store, ShardedStore) else (store, index)
        ids = part.document(own)
        bounds = np.searchsorted(part.sentences, part.documents[own : own + 2])
        shown = ids if first is not None else ids[:_PREVIEW]
        text = vocabulary.decode(shown.tolist(), skip_special=False)
        found.append(
            {
                "document": index,
                "tokens": len(ids),
                "sentences": int(bounds[1] - bounds[0]),
                "text": text if len(shown) == len(ids) else f"{text} ...",
            }
        )
    return found


def pages_of(folder: Path, rule: str | None, first: int | None, count: int) -> dict[str, Any]:
    """Return the report and some pages, for JSON.

    Args:
        rule: under `dropped`, only pages that this rule dropped.
        first: the first page to take of each side; None also takes the first ones.
        count: how many of each side.
    """
    report = read_report(folder)
    if rule is not None and rule not in PAGE_RULES | FURTHER_RULES:
        hint = did_you_mean(rule, PAGE_RULES | FURTHER_RULES)
        raise UserError(f"--rule {rule}: no rule drops pages by this name; {hint}")
    begin = first or 0
    sides = {
        KEPT: list(islice(_pages(folder / KEPT), begin, begin + count)),
        DROPPED: list(islice(_dropped(folder, rule), begin, begin + count)),
    }
    if first is not None and count and (first < 0 or not any(sides.values())):
        raise UserError(f"--document {first}: there is no such page, kept or dropped, in {folder}")
    return report.model_dump(mode="json") | sides


def _pages(folder: Path) -> Iterator[Record]:
    for file in sorted(folder.glob("*.jsonl.gz")):
        yield from records(file)


def _dropped(folder: Path, rule: str | None) -> Iterator[Record]:
    return (each for each in _pages(folder / DROPPED) if rule in (None, each["rule"]))
