"""Folders of a storage, which here is a folder of this disk behind `fsspec`."""

from pathlib import Path

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from headwater.corpus.sources import find_sources
from headwater.errors import UserError
from headwater.remote import storage
from headwater.remote.copies import fetch, list_files


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the bucket `crawl`."""
    system = DirFileSystem(str(tmp_path / "buckets"), LocalFileSystem())
    monkeypatch.setattr(storage, "_system", lambda scheme: system)
    folder = tmp_path / "buckets" / "crawl"
    folder.mkdir(parents=True)
    return folder


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"This is {name}.")


def test_a_folder_by_url_is_read_as_the_same_folder_here(bucket: Path) -> None:
    shown = ("deep/a.txt", "deep-b.txt", "deep.txt", "deep/z/a.jsonl", "notes.md", "B.txt")
    put(bucket / "en", *shown, ".hidden.txt", ".git/a.txt", "deep/.cache/a.txt", "deep/.a.txt")
    here, there = find_sources([bucket / "en"]), find_sources([Path("s3://crawl/en")])
    assert [file.read_text() for file in there.files] == [file.read_text() for file in here.files]
    assert [file.name for file in there.passed_over] == ["notes.md"]
    put(bucket / ".old", "a.txt")
    assert [file.url for file in list_files("s3://crawl/.old")] == ["s3://crawl/.old/a.txt"]


def test_a_folder_of_hidden_files_has_none(bucket: Path) -> None:
    put(bucket / "en", ".a.txt")
    with pytest.raises(UserError, match="s3://crawl/en: there is no file"):
        list_files("s3://crawl/en")


def test_a_key_with_the_marks_of_a_pattern_is_fetched(bucket: Path) -> None:
    names = ("a[1].txt", "a1.txt", "b*.txt", "b2.txt", "c?.txt")
    put(bucket / "en", *names)
    found = [fetch(file).read_text() for file in list_files("s3://crawl/en")]
    assert found == [f"This is {name}." for name in sorted(names)]
