"""How `headwater corpus show` lays out a token store, and cleaned pages side by side.

    kept  crawl.jsonl, page 3             | dropped  crawl.jsonl, page 4
                                          | language: de 1.00
    The mill was built in 1843. It stands | Die Mühle wurde 1843 gebaut.
    to this day.                          | Startseite
    - no_end_mark: Menu                   |

Under a kept page stand the lines that rules took out of it.
"""

import shutil
import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from headwater.commands.terminal import echo
from headwater.corpus.cleaning.pages import DROPPED, DROPPED_TEXT, KEPT, Record
from headwater.corpus.cleaning.report import Report, table
from headwater.corpus.shards import ShardIndex
from headwater.corpus.store import StoreSummary
from headwater.errors import counted
from headwater.escapes import visible

_PREVIEW = 600  # characters of a page when several are shown
_REMOVED = 5  # removed lines of a page when several are shown


def print_store(info: StoreSummary, texts: Sequence[dict[str, Any]]) -> None:
    """Print what a store holds, and some of its documents."""
    echo(f"documents   {info.documents:,}")
    echo(f"sentences   {info.sentences:,}")
    echo(f"tokens      {info.tokens:,} ({info.dtype})")
    if isinstance(info, ShardIndex):
        echo(f"shards      {len(info.shards):,}")
    echo(f"vocabulary  {info.vocabulary.size:,} tokens, {info.vocabulary.fingerprint[:12]}")
    if info.unknown_tokens:
        share = info.unknown_tokens / info.tokens
        echo(f"            {info.unknown_tokens:,} tokens are unknown to it ({share:.2%})")
    for source in info.sources:
        echo(f"from        {source.path} ({counted(source.files, 'file')}, {source.bytes:,} bytes)")
    bad = counted(info.bad_lines, "bad line")
    echo(f"left out    {bad}, {counted(info.empty_documents, 'empty document')}")
    overlapping = counted(info.overlapping_paragraphs, "paragraph")
    echo(f"            {overlapping} overlapping with held-out text")
    for each in texts:
        head = f"document {each['document']}: {each['tokens']:,} tokens"
        echo(f"\n{head}, {counted(each['sentences'], 'sentence')}")
        echo(each["text"])


def print_pages(found: dict[str, Any], folder: Path, *, whole: bool) -> None:
    """Print the report and some pages, as `corpus.show.pages_of` returns them."""
    sides = {name: found.pop(name) for name in (KEPT, DROPPED)}
    echo("\n".join(table(Report.check(found, str(folder)))))
    width = (shutil.get_terminal_size((100, 24)).columns - 3) // 2
    for left, right in zip_longest(sides[KEPT], sides[DROPPED]):
        columns = [_kept_lines(left, whole=whole)] if left else [[]]
        columns.append(_dropped_lines(right, whole=whole) if right else [])
        echo("\n" + "=" * (2 * width + 3))
        for pair in zip_longest(*(_wrapped(column, width) for column in columns), fillvalue=""):
            echo(f"{pair[0]:{width}} | {pair[1]}".rstrip())


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
    return [part for line in map(visible, lines) for part in (textwrap.wrap(line, width) or [""])]
