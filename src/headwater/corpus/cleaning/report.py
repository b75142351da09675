"""What each rule dropped: the numbers as JSON and as a table.

Pages and lines count under the first rule that drops them. Lines are those of the pages that were
looked at line by line, whether or not the page stayed in the end.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from headwater.config import Config
from headwater.corpus.cleaning.line_statistics import statistics_of
from headwater.corpus.cleaning.pages import KEPT
from headwater.corpus.cleaning.rules import (
    FURTHER_RULES,
    LINE_RULES,
    PAGE_RULES,
    RulesConfig,
    Verdict,
)
from headwater.corpus.read import SHOWN
from headwater.corpus.store import SourceInfo
from headwater.errors import UserError
from headwater.files import read_json

REPORT: Final = "report.json"
READ: Final = "read"
FORMAT: Final = "headwater-cleaning-1"


class Report(Config):
    """The content of `report.json`.

    passed_over: files in the folders whose names are of no known kind.
    bad_words: the number of entries of the list; None: no list was given.
    citations: markers removed from pages that passed the rules for one page.
    repeated_sentences: those of earlier spans, removed from these pages.
    repeated_words: those of earlier runs of words, removed from pages.
    characters_kept: of the cleaned text of kept pages.
    line_statistics: the shares of `line_statistics`, of the pages `read` and of the text `kept`.
    unreadable: bad lines and files; `unreadable_named` names the first ones.
    """

    format: Literal["headwater-cleaning-1"] = FORMAT
    sources: list[SourceInfo]
    passed_over: list[str] = Field(default=[])
    rules: RulesConfig
    bad_words: int | None
    pages: int
    pages_kept: int
    pages_dropped: dict[str, int]
    lines: int
    lines_kept: int
    lines_dropped: dict[str, int]
    citations: int
    repeated_sentences: int
    repeated_words: int = 0
    line_statistics: dict[str, dict[str, float]] = Field(default={})
    characters: int
    characters_kept: int
    unreadable: int
    unreadable_named: list[str]


def count_page(counts: Counter[str], page: str, verdict: Verdict) -> None:
    """Add a page to the numbers of its shard."""
    counts["pages"] += 1
    counts["characters"] += len(page)
    counts["lines"] += verdict.lines + len(verdict.removed)
    counts["lines_kept"] += verdict.lines
    counts.update(f"line:{removed.rule}" for removed in verdict.removed)
    if verdict.rule:
        counts[f"page:{verdict.rule}"] += 1
    else:
        counts["citations"] += verdict.citations


def make_report(
    counts: Mapping[str, int],
    named: list[str],
    sources: list[SourceInfo],
    passed_over: list[str],
    rules: RulesConfig,
    bad_words: int | None,
) -> Report:
    """Put the sums over all shards together."""
    dropped = {rule: counts.get(f"page:{rule}", 0) for rule in PAGE_RULES}
    dropped |= {rule: counts.get(f"page:{rule}", 0) for rule in rules.further}
    return Report(
        sources=sources,
        passed_over=passed_over,
        rules=rules,
        bad_words=bad_words,
        pages=counts.get("pages", 0),
        pages_kept=counts.get("pages", 0) - sum(dropped.values()),
        pages_dropped=dropped,
        lines=counts.get("lines", 0),
        lines_kept=counts.get("lines_kept", 0),
        lines_dropped={rule: counts.get(f"line:{rule}", 0) for rule in LINE_RULES},
        citations=counts.get("citations", 0),
        repeated_sentences=counts.get("repeated_sentences", 0),
        repeated_words=counts.get("repeated_words", 0),
        line_statistics={of: statistics_of(counts, of).shares for of in (READ, KEPT)},
        characters=counts.get("characters", 0),
        characters_kept=counts.get("characters_kept", 0),
        unreadable=counts.get("unreadable", 0),
        unreadable_named=named,
    )


def read_report(folder: Path) -> Report:
    """Open the report of a cleaned set."""
    return Report.check(read_json(folder / REPORT), str(folder / REPORT))


def is_cleaned(folder: Path) -> bool:
    """Tell a folder that `corpus clean` made."""
    try:
        content = read_json(folder / REPORT)
    except UserError:
        return False
    return isinstance(content, dict) and str(content.get("format")).startswith("headwater-clean")


def table(report: Report) -> Iterator[str]:
    """Yield the lines of the table for a person."""
    yield from _part(
        "pages", report.pages, report.pages_kept, report.pages_dropped, PAGE_RULES | FURTHER_RULES
    )
    yield from _part("lines", report.lines, report.lines_kept, report.lines_dropped, LINE_RULES)
    yield (
        f"taken out of lines: citation markers {report.citations:,}, "
        f"repeated sentences {report.repeated_sentences:,}"
        + (f", repeated words {report.repeated_words:,}" if report.rules.repeated_words else "")
    )
    for of, shares in report.line_statistics.items():
        told = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
        yield f"lines of pages {of}: {told}"
    yield f"characters: {report.characters:,}, kept {report.characters_kept:,}"
    if report.bad_words is None:
        yield "no list of bad words was given (--bad-words FILE): pages were not checked for them"
    if report.passed_over:
        count = len(report.passed_over)
        yield f"files of other kinds passed over: {count:,}"
        yield from (f"  {file}" for file in report.passed_over[:SHOWN])
        if count > SHOWN:
            yield f"  and {count - SHOWN:,} more"
    if report.unreadable:
        yield f"unreadable, passed over: {report.unreadable:,}"
        yield from (f"  {line}" for line in report.unreadable_named)


def _part(
    what: str, read: int, kept: int, dropped: Mapping[str, int], meaning: Mapping[str, str]
) -> Iterator[str]:
    yield f"{what:18}  {read:>10,}"
    for rule, count in dropped.items():
        yield f"  {rule:16}  {count:>10,}  {_share(count, read):>6}  {meaning[rule]}"
    yield f"  {'kept':16}  {kept:>10,}  {_share(kept, read):>6}".rstrip()


def _share(count: int, whole: int) -> str:
    return f"{100 * count / whole:.1f}%" if whole else ""
