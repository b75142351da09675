"""How fast files are indexed, in how much memory, how large the index is, and how soon it answers.

    python -m benchmarks.document_speed --books books/*.gz --more docs '*.html' --more docs '*.pdf'

Each indexing is a run of `headwater index build`. Seconds are of the processor, for all processes
together and from their start. Memory is the most that one of them held.
Books are indexed whole, then as a file for each chapter, then ten times as many of these, of which
each differs in its first line. A question in a new process is asked of the first index.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from benchmarks.document_data import rows_of

QUESTION = "Who is the captain of the ship?"
MEGABYTE = 1_000_000
WORKS = (("books", True, 1), ("chapters", False, 1), ("chapters-x-10", False, 10))
"""Each with a name, whether a file is a whole book, and how often it is written."""


class Used(NamedTuple):
    """What a command took.

    seconds: of the processor. clock: of the clock.
    memory: the most bytes that one of its processes held. said: its standard output.
    """

    seconds: float
    clock: float
    memory: int
    said: str


def used(*arguments: str | Path) -> Used:
    """Run a command of headwater.

    This process must stay small: what it holds is counted as the least that the command takes.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "headwater", *map(str, arguments)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    said = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments[:2]}: ended with status {status}")
    clock = time.perf_counter() - begin
    return Used(usage.ru_utime + usage.ru_stime, clock, 1024 * usage.ru_maxrss, said)


def index(name: str, folder: Path, output: Path, *globs: str) -> None:
    """Index a folder, and print what that took."""
    include = [part for glob in globs for part in ("--include", glob)]
    took = used("index", "build", folder, "--output", output, *include)
    shown = json.loads(used("index", "show", output, "--json").said)
    files, characters = shown["files"]["indexed"], shown["characters"]
    size = sum(
        Path(each["path"]).stat().st_size for each in shown["rows"] if each["status"] == "indexed"
    )
    print(
        f"{name}: {files:,} files, {size / MEGABYTE:.1f} MB, text {characters / MEGABYTE:.1f} M "
        f"characters; {took.seconds:.1f} s: {size / MEGABYTE / took.seconds:.2f} MB/s of files, "
        f"{characters / MEGABYTE / took.seconds:.2f} of text; {took.memory / 2**20:.0f} MiB; "
        f"{output.stat().st_size / characters:.2f} bytes a character",
        flush=True,
    )


def write_books(files: Sequence[Path], whole: bool, most: int, copies: int, folder: Path) -> None:
    """Write books as .txt, some times over, until they are about so many bytes.

    Args:
        whole: a file is a book, not a chapter.
    """
    folder.mkdir()
    size = 0
    for number, text in enumerate(_books(files) if whole else _chapters(files)):
        if size >= most:
            return
        size += len(text.encode())
        for copy in range(copies):
            file = folder / f"{number}-{copy}.txt"
            file.write_text(f"Copy {copy} of {number}.\n\n{text}", encoding="utf-8")


def _chapters(files: Sequence[Path]) -> Iterator[str]:
    return (row["text"] for row in rows_of(files))


def _books(files: Sequence[Path]) -> Iterator[str]:
    for _, parts in groupby(rows_of(files), key=lambda row: row["title"]):
        yield "\n\n".join(row["text"] for row in parts)


def main() -> None:
    """Index books, ten times as many, and more files; ask a question."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--books", type=Path, nargs="+", required=True, help=".jsonl.gz")
    parser.add_argument("--size", type=int, default=20, help="megabytes of books")
    parser.add_argument(
        *("--more",), nargs=2, action="append", default=[], metavar=("FOLDER", "GLOB")
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, whole, copies in WORKS:
            books = folder / name
            write_books(options.books, whole, options.size * MEGABYTE, copies, books)
            index(name, books, folder / f"{name}.index")
        for number, (more, glob) in enumerate(options.more):
            index(f"{more} {glob}", Path(more), folder / f"more{number}.index", glob)
        for _ in range(3):
            cold = used("ask", QUESTION, "--context", folder / "books.index")
            print(f"a new process: {cold.seconds:.2f} s, {cold.clock:.2f} s by the clock")


if __name__ == "__main__":
    main()
