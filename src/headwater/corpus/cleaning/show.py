"""Looking at kept and dropped pages of a folder of cleaned text."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from headwater.corpus.cleaning.records import DROPPED, KEPT, Record, records
from headwater.corpus.cleaning.report import read_report
from headwater.corpus.cleaning.rules import PAGE_RULES
from headwater.errors import UserError, did_you_mean


def pages_of(folder: Path, rule: str | None, first: int | None, count: int) -> dict[str, Any]:
    """Return the report and some pages, for JSON.

    Args:
        rule: under `dropped`, only pages that this rule dropped.
        first: the first page to take of each side; None also takes the first ones.
        count: how many of each side.
    """
    report = read_report(folder)
    if rule is not None and rule not in PAGE_RULES:
        hint = did_you_mean(rule, PAGE_RULES)
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
