"""Looking at kept and dropped pages side by side.

    kept  crawl.jsonl, page 3             | dropped  crawl.jsonl, page 4
                                          | language: de 1.00
    The mill was built in 1843. It stands | Die Mühle wurde 1843 gebaut.
    to this day.                          | Startseite
    - no_end_mark: Menu                   |

Under a kept page stand the lines that rules took out of it.
"""

import re
import shutil
import textwrap
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from headwater.corpus.cleaning.records import DROPPED, DROPPED_TEXT, KEPT, Record, records
from headwater.corpus.cleaning.report import Report, read_report, table
from headwater.corpus.cleaning.rules import PAGE_RULES
from headwater.errors import UserError, did_you_mean

_PREVIEW = 600  # characters of a page when several are shown
_REMOVED = 5  # removed lines of a page when several are shown
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # would move the cursor or ring the bell


def look(folder: Path, rule: str | None, first: int | None, count: int) -> dict[str, Any]:
    """Return the report and some pages, for JSON.

    Args:
        rule: only pages that this rule dropped stand under `dropped`.
        first: the first page to take of each side; None also takes the first ones.
        count: how many of each side.

    Raises:
        UserError: there is no such rule, or no such page on either side.
    """
    report = read_report(folder)
    if rule is not None and rule not in PAGE_RULES:
        raise UserError(f"--rule {rule}: no rule drops pages by this name; {_known(rule)}")
    begin = first or 0
    sides = {
        KEPT: list(islice(_pages(folder / KEPT), begin, begin + count)),
        DROPPED: list(islice(_dropped(folder, rule), begin, begin + count)),
    }
    if first is not None and count and (first < 0 or not any(sides.values())):
        raise UserError(f"--document {first}: there is no such page, kept or dropped, in {folder}")
    return report.model_dump(mode="json") | sides


def show(folder: Path, rule: str | None, first: int | None, count: int) -> None:
    """Print the report and some pages for a person."""
    found = look(folder, rule, first, count)
    sides = {name: found.pop(name) for name in (KEPT, DROPPED)}
    print("\n".join(table(Report.check(found, str(folder)))))
    width = (shutil.get_terminal_size((100, 24)).columns - 3) // 2
    for left, right in zip_longest(sides[KEPT], sides[DROPPED]):
        columns = [_kept_lines(left, whole=first is not None)] if left else [[]]
        columns.append(_dropped_lines(right, whole=first is not None) if right else [])
        print("\n" + "=" * (2 * width + 3))
        for pair in zip_longest(*(_wrapped(column, width) for column in columns), fillvalue=""):
            print(f"{pair[0]:{width}} | {pair[1]}".rstrip())


def _known(rule: str) -> str:
    return did_you_mean(rule, PAGE_RULES)


def _pages(folder: Path) -> Iterator[Record]:
    for file in sorted(folder.glob("*.jsonl.gz")):
        yield from records(file)


def _dropped(folder: Path, rule: str | None) -> Iterator[Record]:
    return (each for each in _pages(folder / DROPPED) if rule in (None, each["rule"]))


def _kept_lines(page: Record, *, whole: bool) -> list[str]:
    removed = page["removed"] if whole else page["removed"][:_REMOVED]
    lines = [f"kept  {_origin(page)}", "", *_text(page["text"], whole=whole)]
    lines += [f"- {each['rule']}: {each['text']}" for each in removed]
    if more := len(page["removed"]) - len(removed):
        lines.append(f"- and {more:,} more lines")
    return lines


def _dropped_lines(page: Record, *, whole: bool) -> list[str]:
    reason = f"{page['rule']}: {page['why']}" if page["why"] else str(page["rule"])
    return [f"dropped  {_origin(page)}", reason, *_text(page[DROPPED_TEXT], whole=whole)]


def _origin(page: Record) -> str:
    return page["url"] or f"{Path(page['source']).name}, page {page['page']}"


def _text(text: str, *, whole: bool) -> list[str]:
    shown = text if whole or len(text) <= _PREVIEW else f"{text[:_PREVIEW]} ..."
    return shown.split("\n")


def _wrapped(lines: list[str], width: int) -> list[str]:
    clean = (_CONTROL.sub("\N{REPLACEMENT CHARACTER}", line) for line in lines)
    return [part for line in clean for part in (textwrap.wrap(line, width) or [""])]
