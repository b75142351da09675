"""An index of a folder: what it finds, and what it becomes when files do."""

import os
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

import headwater as library
import made
from headwater.documents.converters import names, pdf
from headwater.documents.update import Options, Report, build, remove, update
from headwater.errors import UserError
from made import Opened, rows


def found(opened: Opened, index: Path, question: str) -> list[str]:
    return [Path(hit.file).name for hit in opened(index).search(question)]


def counts(report: Report) -> tuple[int, ...]:
    return report.indexed, report.unchanged, report.removed, report.failed


def test_every_kind_is_found(opened: Opened, standing: Path) -> None:
    for question, name in {
        "When was the mill built?": "word.docx",
        "Since when does the bridge cross the river?": "bridge.md",
        "Where does the tower lean?": "tower.html",
        "When was Ben born?": "people.csv",
        "In which year did the castle burn?": "castle.pdf",
        "What shines at night?": "book.epub",
    }.items():
        assert found(opened, standing, question)[0] == name
    assert {row.status for row in rows(opened, standing).values()} == {"indexed"}
    summary = opened(standing).summary()
    assert summary.files == {"indexed": 7} and summary.passages >= 8
    assert opened(standing).search("castle")[0].file.endswith("castle.pdf")


def test_a_hit_has_its_place_and_a_literal_quote(opened: Opened, folder: Path, index: Path) -> None:
    (hit,) = opened(index).search("castle burned")
    extracted = pdf.convert((folder / "below" / "castle.pdf").read_bytes()).text
    start = hit.text.index("burned in")
    quote = hit.quote(start, start + len("burned in"))
    assert (quote.text, quote.page) == ("burned\nin", 1)
    assert extracted[quote.start : quote.end] == quote.text
    assert extracted[hit.start : hit.end] == hit.quote().text
    for start, end in ((-5, None), (2, -3), (5, 2), (0, 10**6)):  # as slices of any text
        assert hit.quote(start, end).text.split() == hit.text[start:end].split()
    bridge = opened(index).search("bridge")[0]
    assert (bridge.title, bridge.headings, bridge.page) == ("The bridge", ("The bridge",), None)
    mill = opened(index).search("Who built the mill?")[0]
    assert mill.nearest("Who built the mill?").text.startswith("The mill stands")


def test_an_update_does_what_is_needed(opened: Opened, folder: Path, index: Path) -> None:
    assert counts(update(index)) == (0, 7, 0, 0)
    (folder / "mill.txt").write_text("The windmill turns.\n")
    (folder / "new.txt").write_text("A fountain.\n")
    (folder / "bridge.md").unlink()
    shutil.rmtree(folder / "below")
    assert counts(update(index)) == (2, 4, 2, 0)
    assert found(opened, index, "windmill") == ["mill.txt"]
    assert found(opened, index, "fountain") == ["new.txt"]
    assert found(opened, index, "bridge castle corn villages") == ["word.docx"]
    opened(index).verify()


def test_a_file_of_the_same_size_and_time_is_read_by_verify(
    opened: Opened, folder: Path, index: Path
) -> None:
    file = folder / "mill.txt"
    before = file.stat()
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns - 10**10))
    assert counts(update(index)) == (0, 7, 0, 0)  # another time, the same text
    before = file.stat()
    file.write_text(file.read_text().replace("grinds", "paints"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert counts(update(index)) == (0, 7, 0, 0)
    assert found(opened, index, "paints") == []
    assert counts(update(index, options=Options(verify=True))) == (1, 6, 0, 0)
    assert found(opened, index, "paints") == ["mill.txt"]


def test_a_file_changed_right_after_it_was_read_is_seen(
    opened: Opened, folder: Path, index: Path
) -> None:
    file = folder / "mill.txt"
    file.write_text("An apple.")
    time = file.stat().st_mtime_ns
    update(index)
    file.write_text("A cherry")
    os.utime(file, ns=(time, time))  # in the same tick of the clock, and perhaps of one size
    update(index)
    assert found(opened, index, "cherry apple") == ["mill.txt"]
    assert opened(index).search("cherry")[0].text == "A cherry"


def test_globs_choose_the_files(opened: Opened, folder: Path, index: Path) -> None:
    update(index, include=["*.txt", "*.pdf"], exclude=["below"])
    assert rows(opened, index).keys() == {"mill.txt"}
    update(index)
    assert rows(opened, index).keys() == {"mill.txt"}
    update(index, include=[], exclude=["*.docx", "b*k.epub"])
    assert rows(opened, index).keys() == {
        *("mill.txt", "bridge.md", "tower.html", "people.csv", "castle.pdf")
    }


def test_what_was_removed_stays_out(opened: Opened, folder: Path, index: Path) -> None:
    assert remove(index, [folder / "mill.txt", folder / "below"]) == 2
    update(index)
    assert not {"mill.txt", "castle.pdf"} & rows(opened, index).keys()
    with pytest.raises(UserError, match=r"nowhere: not in"):
        remove(index, [folder / "nowhere"])
    build([folder / "mill.txt"], index)
    assert "mill.txt" in rows(opened, index) and "castle.pdf" not in rows(opened, index)
    build([folder], index)
    assert "castle.pdf" in rows(opened, index)


def test_removing_a_folder_removes_what_was_named_below_it(
    opened: Opened, folder: Path, index: Path
) -> None:
    (folder.parent / "more.txt").write_text("A fountain.")
    (folder.parent / "none" / "below").mkdir(parents=True)
    build([folder.parent / "more.txt", folder.parent / "none" / "below"], index)
    assert remove(index, [folder.parent / "none"]) == 0
    assert len(opened(index).summary().sources) == 2
    assert remove(index, [folder.parent]) == 8
    with pytest.raises(UserError, match="no file was found"):
        update(index)
    assert rows(opened, index) == {} and opened(index).summary().sources == ()


def test_a_folder_that_is_gone_is_refused(opened: Opened, folder: Path, index: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    with pytest.raises(UserError, match="no such file or folder; if it is gone for good"):
        update(index)
    assert len(rows(opened, index)) == 7
    with pytest.raises(UserError, match="no such file"):
        build([folder.parent / "missing.txt"], index)
    (folder.parent / "other.txt").write_text("Another text.")
    with pytest.raises(UserError, match="no such file or folder; if it is gone for good"):
        build([folder.parent / "other.txt"], index)
    assert len(rows(opened, index)) == 7


def test_nothing_to_index_is_a_mistake(tmp_path: Path, folder: Path, index: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match="nothing was indexed; no file was found"):
        build([empty], tmp_path / "y.index")
    (empty / "a.txt").touch()
    (empty / "b.png").touch()
    with pytest.raises(UserError, match=r"a\.txt: holds no text; .*b\.png: no converter for \.png"):
        build([empty], tmp_path / "y.index")
    assert not list(tmp_path.glob("*y.index*"))
    for each in folder.rglob("*.*"):
        each.unlink()
    with pytest.raises(UserError, match="nothing is indexed any more"):
        update(index)


@pytest.mark.parametrize("length", [248, 251])  # no room for `-journal`; nor for the lock
def test_a_name_without_room_leaves_nothing(tmp_path: Path, folder: Path, length: int) -> None:
    with pytest.raises(OSError, match=r"."):
        build([folder], tmp_path / "new" / "below" / ("x" * length))
    assert list(tmp_path.iterdir()) == [folder]
    (tmp_path / "old").mkdir()
    with pytest.raises(OSError, match=r"."):
        build([folder], tmp_path / "old" / ("x" * length))
    assert list((tmp_path / "old").iterdir()) == []
    with pytest.raises(OSError, match=r"."):
        build([folder], tmp_path / "new" / ("x" * 256) / "x.index")
    assert not (tmp_path / "new").exists()


def test_a_missing_library_is_named_and_then_not_missing(
    opened: Opened, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "LIBRARY", "pypdfium9")
    build([folder], tmp_path / "y.index")
    row = rows(opened, tmp_path / "y.index")["castle.pdf"]
    assert (row.status, row.passages) == ("failed", 0)
    assert row.reason == "reading it needs pypdfium9; pip install 'headwater[documents]'"
    monkeypatch.undo()
    assert counts(update(tmp_path / "y.index")) == (1, 6, 0, 0)


def test_another_version_of_a_converter_converts_again(
    folder: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names.CONVERTERS[".md"], "VERSION", 99)
    assert counts(update(index)) == (1, 6, 0, 0)


def test_one_file_of_two_names_is_indexed_once(opened: Opened, folder: Path, index: Path) -> None:
    (folder / "mill2.txt").hardlink_to(folder / "mill.txt")
    (folder / "mill3.txt").symlink_to("mill.txt")
    update(index)
    found_rows = rows(opened, index)
    assert found_rows["mill2.txt"].status == found_rows["mill3.txt"].status == "skipped"
    assert "the same file as" in found_rows["mill2.txt"].reason


def test_readers_are_not_blocked_and_see_whole_files(
    opened: Opened, folder: Path, index: Path
) -> None:
    for number in range(60):
        (folder / f"{number}.txt").write_text(f"common word{number}. " * 100)
    reader, seen, over = opened(index), list[int](), threading.Event()

    def write() -> None:
        update(index)
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not over.is_set():
        for hit in reader.search("common", limit=100):
            assert hit.quote().text
        seen.append(reader.summary().passages)
    writer.join()
    assert seen == sorted(seen) and len(reader.search("common", limit=100)) == 60
    assert not list(index.parent.glob(".x.index.lock"))


def test_two_writers_are_told(index: Path, folder: Path) -> None:
    from headwater.lock import locked

    with locked(index.parent / ".x.index.lock", "busy"):
        with pytest.raises(UserError, match="another process is changing this index"):
            update(index)
        with pytest.raises(UserError, match="another process is changing this index"):
            build([folder], index)


def test_an_index_is_one_file_when_nobody_uses_it(opened: Opened, index: Path) -> None:
    assert [each.name for each in index.parent.glob("*index*")] == ["x.index"]
    one = opened(index)
    one.search("mill")
    one.close()
    assert [each.name for each in index.parent.glob("*index*")] == ["x.index"]


def test_what_is_no_index_is_refused(
    opened: Opened, tmp_path: Path, folder: Path, index: Path
) -> None:
    other, text, empty = (tmp_path / name for name in ("other.db", "text.index", "empty.index"))
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE a (b)")
    text.write_text("text " * 10_000)
    empty.touch()
    for file, reason in (
        (other, "not an index"),
        (text, "not an index"),
        (empty, "empty; make an index"),
        (tmp_path / "missing", "no such file"),
        (tmp_path, "a folder"),
    ):
        with pytest.raises(UserError, match=reason):
            opened(file)
    for file in (other, text):
        with pytest.raises(UserError, match="not an index"):
            build([folder], file)
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(UserError, match="of another version of headwater"):
        opened(index)
    build([folder], empty)
    assert opened(empty).search("mill")


def test_a_refused_index_is_closed(tmp_path: Path, index: Path) -> None:
    empty = tmp_path / "empty.index"
    empty.touch()
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute("INSERT INTO settings VALUES ('engine', '{')")
    before = len(os.listdir("/proc/self/fd"))
    for file in (empty, index):
        with pytest.raises(UserError):
            library.open_index(file)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_damaged_index_is_refused_with_what_to_do(
    opened: Opened, folder: Path, tmp_path: Path
) -> None:
    for number in range(100):
        (folder / f"{number}.txt").write_text(f"common word{number}. " * 200)
    index = tmp_path / "y.index"
    build([folder], index)
    whole = index.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:65536] + bytes(65536) + whole[131072:]):
        index.write_bytes(damaged)
        with pytest.raises(UserError, match=r"is damaged .* make it again by"):
            update(index)
        with pytest.raises(UserError, match=r"is damaged .* make it again by"):
            opened(index).verify()


def test_every_damage_that_is_met_is_said(opened: Opened, folder: Path, index: Path) -> None:
    """Bytes that are no text where SQLite has text, in tables, in names, in the schema."""
    whole = index.read_bytes()
    for before in (b"It crosses the river", b"bridge.md", b"CREATE TABLE files", b"markdown "):
        assert before in whole
        index.write_bytes(whole.replace(before, b"\xff" * len(before)))
        faults = list[str]()
        for use in (
            lambda: list(opened(index).files()),
            lambda: opened(index).search("bridge"),
            lambda: opened(index).verify(),
            lambda: update(index),
            lambda: remove(index, [folder / "mill.txt"]),
        ):
            try:
                use()
            except UserError as error:
                faults.append(str(error))
        assert faults, before
        assert all("is damaged" in each and "make it again by" in each for each in faults)


def test_flipped_bits_of_an_index_are_never_fatal(
    opened: Opened, folder: Path, index: Path
) -> None:
    rng, whole = random.Random(0), index.read_bytes()
    for _ in range(100):
        content = bytearray(whole)
        for _ in range(rng.choice((1, 3, 20))):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        for other in index.parent.glob("x.index-*"):
            other.unlink()
        index.write_bytes(content)
        for use in (
            lambda: list(opened(index).files()),
            lambda: [hit.quote() for hit in opened(index).search("mill castle river tower")],
            lambda: opened(index).verify(),
            lambda: update(index),
        ):
            with suppress(UserError):
                use()


def test_wrong_arguments_are_mistakes(opened: Opened, standing: Path) -> None:
    index = opened(standing)
    wrong: list[tuple[Callable[[], Any], str]] = [
        (lambda: opened(3), "path: a name or a path was expected"),  # type: ignore[arg-type]
        (lambda: opened(Path("a\0b")), "not a usable file name"),
        (lambda: index.search(None), "question: a text was expected"),  # type: ignore[arg-type]
        (lambda: index.search("mill", 2.5), "limit = 2.5: a whole number"),  # type: ignore[arg-type]
        (lambda: index.search("mill", -1), "limit = -1: a whole number"),
        (lambda: index.search("mill", 9, 3), "filters: a text or a list"),  # type: ignore[arg-type]
        (lambda: index.search("mill", 9, [3]), r"filters\[0\]: a text"),  # type: ignore[list-item]
        (lambda: index.ask("mill", 3), "model: a name or a path"),  # type: ignore[arg-type]
        (lambda: index.ask("mill", top_k=0), "top_k = 0: a whole number"),
    ]
    for call, reason in wrong:
        with pytest.raises(UserError, match=reason):
            call()
    assert len(index.search("mill", 10**30)) == len(index.search("mill", 10**30, "path=*")) > 0
    with library.open_index(str(standing)) as same:
        assert same.search("mill")


def test_an_empty_question_finds_nothing(opened: Opened, standing: Path) -> None:
    for question in ("", " ", "?!", "zzzzz"):
        assert opened(standing).search(question) == []
    assert opened(standing).search("mill", limit=0) == []
    assert made.PARAGRAPH.startswith("The mill")
