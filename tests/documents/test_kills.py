"""kill -9 in the middle of indexing: the index stays whole, and no file is half in it."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from headwater.documents.index import open_index
from headwater.documents.store import opened_for_writing, transaction
from headwater.documents.update import build, update

PATH = os.pathsep.join(filter(None, sys.path))


def write(folder: Path, numbers: range, word: str) -> None:
    for number in numbers:
        paragraphs = "\n\n".join(f"{word} of file{number}. " + "filler " * 150 for _ in range(5))
        (folder / f"{number}.txt").write_text(paragraphs)


def killed(folder: Path, index: Path, seconds: float, verb: str = "build") -> bool:
    """Run an indexing, kill it after so long with what it started; say whether it still ran."""
    command = {
        "build": ["build", str(folder), "--output", str(index)],
        "update": ["update", str(index)],
    }[verb]
    process = subprocess.Popen(
        [sys.executable, "-m", "headwater", "index", *command],
        env={**os.environ, "PYTHONPATH": PATH},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def check(index: Path, least: int = 0) -> int:
    """Check that an index is whole, and return how many files are in it."""
    if not index.exists() or not index.stat().st_size:
        return 0
    with closing(sqlite3.connect(index)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return 0
        connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        rows = connection.execute(
            "SELECT path, passages, (SELECT count(*) FROM passages WHERE file = files.id), "
            "(SELECT count(*) FROM words WHERE words MATCH 'file' || "
            "replace(substr(path, length(rtrim(path, '0123456789.txt')) + 1), '.txt', '')) "
            "FROM files"
        ).fetchall()
    connection.close()
    assert all(said == held == found for _, said, held, found in rows), rows
    assert len(rows) >= least
    return len(rows)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_one_kill_in_the_middle_of_a_file(tmp_path: Path) -> None:
    folder, index = tmp_path / "documents", tmp_path / "x.index"
    folder.mkdir()
    write(folder, range(5), "old")
    build([folder], index)
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from headwater.documents import update\n"
        "keep, calls = update.put_file, []\n"
        "def put(connection, engines, row, passages=()):\n"
        "    keep(connection, engines, row, passages)\n"
        "    calls.append(row)\n"
        "    if len(calls) == 3:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "update.put_file = put\n"
        "update.update(Path(sys.argv[1]))\n"
    )
    write(folder, range(5), "entirely new")
    command = [sys.executable, "-c", script, str(index)]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": PATH}, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert check(index) == 5
    with open_index(index) as opened:
        new = {hit.file for hit in opened.search("entirely", 100)}
    assert len(new) == 2  # the third was not whole
    assert update(index).indexed == 3
    assert check(index) == 5


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_kill_while_an_engine_is_told(tmp_path: Path) -> None:
    pytest.importorskip("tantivy")
    folder, index = tmp_path / "documents", tmp_path / "x.index"
    folder.mkdir()
    write(folder, range(3), "old")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from headwater.documents import tantivy_search, update, waiting\n"
        "tell, calls = waiting.Waiting._tell, []\n"
        "def told(self, engines, numbers):\n"
        "    tell(self, engines, numbers)\n"
        "    calls.append(numbers)\n"
        "    if len(calls) == 2:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "waiting.Waiting._tell = told\n"
        "tantivy_search.TantivySearch.at_once = 4\n"
        "update.build([Path(sys.argv[1])], Path(sys.argv[2]), engine='tantivy')\n"
    )
    command = [sys.executable, "-c", script, str(folder), str(index)]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": PATH}, check=False)
    assert ended.returncode == -signal.SIGKILL
    with open_index(index) as opened:
        passages = opened.summary().passages
        assert opened.summary().waiting == passages - 4
        assert len(opened.search("old", 100)) == 8  # the second four were told, and wait still
    update(index)
    with open_index(index) as opened:
        found = [hit.passage for hit in opened.search("old", 100)]
        assert len(found) == len(set(found)) == passages and opened.summary().waiting == 0


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
@pytest.mark.parametrize("kills", [pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.timeout(1800)
def test_many_kills_at_random_moments(tmp_path: Path, kills: int) -> None:
    folder, index = tmp_path / "documents", tmp_path / "x.index"
    folder.mkdir()
    rng, files = random.Random(0), range(1000)
    write(folder, files, word := "old")
    began = time.monotonic()
    assert not killed(folder, tmp_path / "whole.index", 120)
    longest = time.monotonic() - began
    held = landed = tries = 0
    while landed < kills:
        tries += 1
        assert tries <= 4 * kills, f"only {landed} of {tries} kills met a running indexing"
        if held == len(files):  # all are in the index: now they change
            write(folder, files, word := f"word{tries}")
        verb = "update" if held and landed % 2 else "build"
        began = time.monotonic()
        if killed(folder, index, rng.uniform(0.1, longest), verb):
            landed, longest = landed + 1, longest * 1.2
        else:  # the machine may be less busy than it was
            longest = min(longest, max(0.5, time.monotonic() - began))
        now = check(index)
        assert now >= held, "files were lost"
        held = now
    build([folder], index)
    assert check(index) == len(files)
    with open_index(index) as opened:
        opened.verify()
        assert len(opened.search(word, 10_000)) == len(files) * 5


def test_a_failing_write_leaves_what_was(tmp_path: Path) -> None:
    folder, index = tmp_path / "documents", tmp_path / "x.index"
    folder.mkdir()
    write(folder, range(1), "old")
    build([folder], index)
    with opened_for_writing(index) as connection:
        with pytest.raises(KeyError), transaction(connection):
            connection.execute("DELETE FROM files").connection.execute({}["a fault"])
        assert connection.execute("SELECT count(*) FROM files").fetchone() == (1,)
    assert check(index) == 1
