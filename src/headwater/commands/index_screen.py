"""An index and what was found in it, on a terminal."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.commands.terminal import echo, print_table
from headwater.errors import counted
from headwater.sizes import byte_size

if TYPE_CHECKING:
    from headwater.documents.hit import Hit
    from headwater.documents.index import Summary
    from headwater.documents.rows import FileRow

_SHOWN = 400  # characters of a quote


def print_summary(path: Path, summary: "Summary") -> None:
    """Print what an index holds, in numbers."""
    files = ", ".join(f"{count:,} {status}" for status, count in summary.files.items())
    values = {
        "index": f"{path} ({byte_size(summary.size)})",
        "of": ", ".join(map(short_path, summary.sources)) or "nothing",
        "files": files or "none",
        "passages": f"{summary.passages:,}",
        "text": f"{summary.characters:,} characters",
    }
    if summary.engine != "sqlite":
        values["engine"] = summary.engine
    if summary.vectors:
        values["vectors"] = f"of {short_path(summary.vectors)}"
    if summary.waiting:
        values["waiting"] = f"{counted(summary.waiting, 'passage')}; run `index update`"
    print_table(values, False)


def print_files(rows: "Iterable[FileRow]", every: bool) -> None:
    """Print a line for each file, or for each that is not indexed, or not whole."""
    for row in rows:
        if every or row.reason:
            held = counted(row.passages, "passage") if row.passages else ""
            told = "; ".join(filter(None, (held, row.reason)))
            echo(f"{row.status}  {short_path(row.path)}{f'  ({told})' if told else ''}")


def print_hits(hits: "Sequence[Hit]", question: str, filtered: bool) -> None:
    """Print passages: the place, the headings, and the sentence nearest to the question.

    Args:
        filtered: only some files were searched.
    """
    if not hits:
        where = " of the files that the filters take" if filtered else ""
        echo(f"No passage{where} has a word of the question.")
    for rank, hit in enumerate(hits, 1):
        if rank > 1:
            echo()
        quote = hit.nearest(question)
        page = "" if quote.page is None else f", page {quote.page}"
        echo(f"{rank}. {short_path(hit.file)}{page}")
        path = " > ".join(dict.fromkeys([hit.title, *hit.headings]))
        echo(f"   {_one_line(path)}")
        echo(f"   {_one_line(quote.text)}")
        echo(f"   characters {quote.start} to {quote.end}, score {hit.score:.2f}")


def short_path(path: str) -> str:
    """Return a path from here where it is below the current folder."""
    try:
        short = os.path.relpath(path)
    except (OSError, ValueError):
        return path
    return path if short.startswith("..") else short


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
