"""Other engines over the passages of an index: tantivy, and a PostgreSQL that is started here."""

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater.documents import engine_choice
from headwater.documents.engine import Entry
from headwater.documents.engine_choice import other_engine
from headwater.documents.settings import read_setting
from headwater.documents.update import Report, build, remove, update
from headwater.documents.waiting import Waiting
from headwater.errors import UserError
from made import Opened

HOSTILE = "' OR 1=1; DROP TABLE files; -- \" NEAR(a b) * ) AND title:x ^ \\ & | ! <-> mill"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The URL of a database of Debian's server, which runs as user postgres while tests do."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not binaries:
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    pytest.importorskip("psycopg")
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    if user and "postgres" not in {each.pw_name for each in pwd.getpwall()}:
        pytest.skip("there is no user postgres, and no server runs as root")
    folder = Path(tempfile.mkdtemp(prefix="headwater-"))
    if user:
        shutil.chown(folder, "postgres")

    def run(name: str, *arguments: str) -> None:
        command = [str(binaries[-1].with_name(name)), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **user)  # type: ignore[call-overload]

    try:
        run("initdb", "--auth=trust", "--username=tester", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "--options", options, "--log", str(folder / "log"), "--wait", "start")
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            run("pg_ctl", "--mode", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["tantivy", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """What `--engine` is given."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql")
        return url
    pytest.importorskip("tantivy")
    return "tantivy"


def setting_of(index: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(index)) as connection:
        return read_setting(connection, "engine")


def names(opened: Opened, index: Path, question: str) -> list[str]:
    return [Path(hit.file).name for hit in opened(index).search(question)]


def test_an_engine_follows_the_passages(
    engine: str, opened: Opened, folder: Path, tmp_path: Path
) -> None:
    index = tmp_path / "x.index"
    build([folder], index, engine=engine)
    for question, name in {
        "Since when does the bridge cross the river?": "bridge.md",
        "In which year did the castle burn?": "castle.pdf",
        "What shines at night?": "book.epub",
    }.items():
        assert names(opened, index, question)[0] == name
    (folder / "mill.txt").write_text("The windmill turns.\n")
    update(index)
    assert names(opened, index, "windmill") == ["mill.txt"]
    remove(index, [folder / "below"])
    assert names(opened, index, "castle burned") == []
    assert [Path(h.file).name for h in opened(index).search("river", 5, "path=*.md")] == [
        "bridge.md"
    ]
    with closing(sqlite3.connect(index)) as connection:  # SQLite itself holds no word
        assert connection.execute("SELECT count(*) FROM words_docsize").fetchone() == (0,)
    opened(index).verify()
    summary = opened(index).summary()
    assert (summary.engine, summary.waiting) == (engine, 0)


def test_what_an_engine_writes_is_no_document(engine: str, opened: Opened, folder: Path) -> None:
    index = folder / "x.index"
    build([folder], index, engine=engine)
    assert update(index) == Report(unchanged=7)
    assert opened(index).summary().files == {"indexed": 7}


def test_as_many_passages_are_found_as_there_are(
    engine: str, opened: Opened, folder: Path, tmp_path: Path
) -> None:
    build([folder], tmp_path / "x.index", engine=engine)
    index = opened(tmp_path / "x.index")
    assert len(index.search("mill", 10**12)) == len(index.search("mill", 10**12, "path=*")) == 3


def test_nothing_in_a_question_is_syntax(
    engine: str, opened: Opened, folder: Path, tmp_path: Path
) -> None:
    build([folder], tmp_path / "x.index", engine=engine)
    assert "mill.txt" in names(opened, tmp_path / "x.index", HOSTILE)
    for question in ("", "'", '"', "*", "\x00", "naïve ∑ 水車 ©", "the", "x" * 10_000):
        opened(tmp_path / "x.index").search(question)


def test_what_is_told_twice_is_there_once(
    engine: str, opened: Opened, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "x.index"
    build([folder], index, engine=engine)
    (folder / "new.txt").write_text("A fountain.\n")
    (folder / "bridge.md").unlink()

    def stops(self: Waiting, told: Any, numbers: Any, original: Any = Waiting._tell) -> None:
        original(self, told, numbers)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Waiting, "_tell", stops)
        with pytest.raises(KeyboardInterrupt):
            update(index)
    assert opened(index).summary().waiting > 0
    update(index)
    assert names(opened, index, "fountain") == ["new.txt"]
    assert "bridge.md" not in names(opened, index, "bridge river")
    found = other_engine(setting_of(index), index)
    assert found is not None
    found.add([Entry(10**6, "orphan", "", "fountain")])  # of a process that was killed
    assert names(opened, index, "fountain") == ["new.txt"]


def test_an_engine_that_was_told_nothing(
    engine: str, opened: Opened, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(self: Waiting, engines: Any, name: str) -> None:
        raise KeyboardInterrupt

    index = tmp_path / "x.index"
    with monkeypatch.context() as patch:
        patch.setattr(Waiting, "hand_over", stops)
        with pytest.raises(KeyboardInterrupt):
            build([folder], index, engine=engine)
    assert names(opened, index, "castle") == []
    update(index)
    assert names(opened, index, "castle burned") == ["castle.pdf"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="nothing was indexed"):
        build([tmp_path / "empty"], tmp_path / "y.index", engine=engine)
    assert sorted(each.name for each in tmp_path.iterdir() if "y.index" in each.name) == []


def test_engines_take_turns(engine: str, opened: Opened, folder: Path, index: Path) -> None:
    build([folder], index, engine=engine)
    before = setting_of(index)
    build([folder], index, engine=engine)
    assert setting_of(index) == before
    assert names(opened, index, "castle burned") == ["castle.pdf"]
    build([folder], index, engine="sqlite")
    assert names(opened, index, "castle burned") == ["castle.pdf"]
    assert opened(index).summary().engine == "sqlite"
    opened(index).verify()
    assert not index.with_name("x.index.tantivy").exists()


def test_an_open_index_follows_a_change_of_engine(
    engine: str, opened: Opened, folder: Path, index: Path
) -> None:
    build([folder], index)
    reading = opened(index)
    before = [hit.file for hit in reading.search("castle burned")]
    for each in (engine, "sqlite"):
        build([folder], index, engine=each)
        assert [hit.file for hit in reading.search("castle burned")] == before != []


def test_a_missing_or_broken_folder_of_tantivy(
    opened: Opened, folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tantivy")
    index = tmp_path / "x.index"
    build([folder], index, engine="tantivy")
    files = index.with_name("x.index.tantivy")
    for each in files.iterdir():
        if each.is_file():
            each.write_bytes(b"{")
    with pytest.raises(UserError, match=r"tantivy cannot use it .*--engine tantivy"):
        opened(index).search("castle")
    shutil.rmtree(files)
    with pytest.raises(UserError, match="missing; make it again"):
        opened(index).search("castle")
    build([folder], index, engine="tantivy")
    assert names(opened, index, "castle burned") == ["castle.pdf"]


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ("lucene", "sqlite, tantivy or postgresql://HOST/DATABASE was expected"),
        ("postgresql://me:secret@host/db", "has a password"),
        ("postgresql://?nonsense=1", "not a URL of a database"),
        ("postgresql://me:secret@[bad", "not a URL of a database"),
        ("postgresql:///db?host=/nowhere", "PostgreSQL says"),
    ],
)
def test_a_wrong_engine_is_refused(folder: Path, tmp_path: Path, engine: str, reason: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(UserError, match=reason) as refused:
        build([folder], tmp_path / "x.index", engine=engine)
    assert not (tmp_path / "x.index").exists() and "secret" not in str(refused.value)


def test_an_engine_that_is_not_installed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_choice, "find_spec", lambda name: None)
    for engine in ("tantivy", "postgresql://host/db"):
        with pytest.raises(UserError, match=r"pip install 'headwater\["):
            build([folder], tmp_path / "x.index", engine=engine)
