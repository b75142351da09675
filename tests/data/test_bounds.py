"""Files that would fill the memory or never end: one line, in bounded memory and time.

Each file is read in a process of its own, which may have half a GiB more than it has at its start.
"""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.errors import UserError
from headwater.streams import EXPANSION, LONGEST, read_stream

SCRIPT = """
import resource, sys
from pathlib import Path
from headwater.errors import UserError
from headwater.tasks.declared import load_task
try:
    import pyarrow.parquet
except ImportError:
    pass
task = load_task(Path(sys.argv[1]))
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 2**29, now + 2**29))
try:
    print(len(task.read([Path(sys.argv[2])])))
except UserError as error:
    print(error)
"""
TASK = """
kind = "sequence"
metrics = ["accuracy"]
template = "{text}"
texts = ["text"]
labels = ["a", "b"]
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc and RLIMIT_AS are Linux's")


def said(tmp_path: Path, data: Path, task: str = TASK) -> str:
    (tmp_path / "t.toml").write_text(task)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "t.toml"), str(data)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.count("\n") == 1, ran.stdout[:2000]
    return ran.stdout.strip()


def blocks(head: bytes, block: bytes, count: int) -> Iterator[bytes]:
    yield head
    for _ in range(count):
        yield block


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
def test_a_little_that_holds_much(tmp_path: Path, form: str) -> None:
    head, line = {
        "csv": (b"text,label\n", b"some words that come again and again,a\n"),
        "tsv": (b"text\tlabel\n", b"some words that come again and again\ta\n"),
        "jsonl": (b"", b'{"text": "some words that come again and again", "label": "a"}\n'),
    }[form]
    block = line * (2**20 // len(line))
    path = tmp_path / f"a.{form}.gz"
    with gzip.open(path, "wb", compresslevel=6) as file:
        for each in blocks(head, block, 80):
            file.write(each)
    assert path.stat().st_size < 2**19
    assert f"holds more than {EXPANSION} times what it takes" in said(tmp_path, path)


@pytest.mark.parametrize("form", ["csv", "jsonl", "tsv", "conll"])
def test_a_line_without_end(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form}"
    head = {
        "csv": b"text,label\nx",
        "tsv": b"text\tlabel\nx",
        "conll": b"x O\n",
        "jsonl": b'{"text": "',
    }[form]
    with path.open("wb") as file:
        file.write(head)
        file.truncate(2**33)  # bytes, none of which is on the disk
    task = 'kind = "token"\nmetrics = ["f1"]\ntemplate = "{words}"\n' if form == "conll" else TASK
    line = 1 if form == "jsonl" else 2
    expected = f"a.{form}, line {line}: longer than {LONGEST >> 20} MiB, the most of a line"
    assert expected in said(tmp_path, path, task)


def test_a_document_without_end(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.write(b'[{"text": "')
        file.truncate(2**33)
    assert "a.json: holds more than 2,048 MiB; split it into several" in said(tmp_path, path)


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.writelines(blocks(b'text,label\nx,a\n"x', b"some words " * 100_000 + b"\n", 70))
    assert "a.csv, line 3: broken CSV (field larger than field limit" in said(tmp_path, path)


def test_a_text_without_end_in_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"text": ["x" * 2**27], "label": ["a"]}), path)
    assert f"'text' holds a text longer than {LONGEST >> 20} MiB" in said(tmp_path, path)


def test_a_parquet_file_that_holds_much(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(
        pyarrow.table({"text": ["x" * 10_000] * 100_000, "label": ["a"] * 100_000}), path
    )
    assert path.stat().st_size < 2**20
    assert f"holds more than {EXPANSION} times what it takes" in said(tmp_path, path)


def test_what_is_no_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    device = tmp_path / "zero.csv"
    device.symlink_to("/dev/zero")
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert "pipe.csv: nothing writes to this pipe" in said(tmp_path, pipe)
    assert "zero.csv: not a plain file (a device or a pipe)" in said(tmp_path, device)
    assert "folder.csv: task t has no official validation files" in said(tmp_path, folder)


def test_a_file_of_the_usual_compression_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    lines = [f"line {number} of many\n" for number in range(200_000)]
    path.write_bytes(gzip.compress("".join(lines).encode()))
    assert list(read_stream(path)) == lines
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"a.txt.gz: not a whole gzip file"):
        list(read_stream(path))
