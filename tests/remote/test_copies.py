"""Copies of remote files: whole, checked, resumed; failures in one line."""

import json
import logging
import threading
from pathlib import Path

import pytest
from tests.remote.conftest import Web

from headwater.errors import UserError
from headwater.files import sha256
from headwater.remote import copies
from headwater.remote.copies import all_here, fetch, fetch_url, list_files


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Ask for 10 bytes at once."""
    monkeypatch.setattr(copies, "BLOCK", 10)
    return 10


def test_a_file_is_fetched_once(web: Web, cache: Path) -> None:
    web.files["/a b.txt"] = b"It rained."
    copy = fetch_url(f"{web.url}/a%20b.txt")
    assert copy.read_bytes() == b"It rained."
    record = json.loads((copy.parent / f".{copy.name}.json").read_text())
    assert record["sha256"] == sha256(copy) and record["size"] == 10
    assert fetch_url(f"{web.url}/a%20b.txt") == copy
    assert len(web.asked) == 1
    assert {each.name for each in copy.parent.iterdir()} == {
        copy.name, f".{copy.name}.json", f".{copy.name}.lock"
    }  # fmt: skip


def test_a_changed_file_is_fetched_again(web: Web) -> None:
    web.files["/a.txt"] = b"It rained."
    fetch_url(f"{web.url}/a.txt")
    web.files["/a.txt"] = b"It snowed."
    assert fetch_url(f"{web.url}/a.txt").read_bytes() == b"It snowed."


def test_a_torn_copy_is_fetched_again(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    web.files["/a.txt"] = b"It rained."
    copy = fetch_url(f"{web.url}/a.txt")
    copy.write_bytes(b"It r\0ined.")
    assert fetch_url(f"{web.url}/a.txt").read_bytes() == b"It rained."
    assert "differs from its checksum" in caplog.text


def test_a_fetch_goes_on_where_it_stopped(web: Web, blocks: int) -> None:
    web.files["/a.txt"] = bytes(range(35))
    web.fail_from = 25
    with pytest.raises(
        UserError, match=r"could not be fetched \(the server says 400 Bad Request\)$"
    ):
        fetch_url(f"{web.url}/a.txt")
    web.fail_from = None
    web.asked.clear()
    assert fetch_url(f"{web.url}/a.txt").read_bytes() == bytes(range(35))
    assert web.asked == [(20, 30), (30, 35)]


def test_the_rest_of_another_version_is_not_joined(web: Web, blocks: int) -> None:
    web.files["/a.txt"] = bytes(35)
    web.fail_from = 25
    with pytest.raises(UserError):
        fetch_url(f"{web.url}/a.txt")
    web.fail_from = None
    web.files["/a.txt"] = bytes(range(35))
    assert fetch_url(f"{web.url}/a.txt").read_bytes() == bytes(range(35))


def test_a_change_during_the_fetch_is_noticed(web: Web, cache: Path) -> None:
    web.files["/a.txt"] = b"It rained."
    (file,) = list_files(f"{web.url}/a.txt")
    web.files["/a.txt"] = b"It snowed."
    with pytest.raises(UserError, match="changed while it was fetched"):
        fetch(file)
    assert not list(cache.rglob("a.txt"))


def test_the_copy_serves_where_the_server_does_not(
    web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("headwater.remote.storage._RETRIES", {"max_retries": 0})
    web.files["/a.txt"] = b"It rained."
    copy = fetch_url(f"{web.url}/a.txt")
    monkeypatch.setattr("headwater.remote.storage.Storage._key", lambda *_: "http://127.0.0.1:9/x")
    with caplog.at_level(logging.WARNING):
        assert fetch_url(f"{web.url}/a.txt") == copy
    assert "using the copy fetched before" in caplog.text
    with pytest.raises(UserError) as failed:
        fetch_url(f"{web.url}/b.txt")
    assert str(failed.value) == (
        f"{web.url}/b.txt: could not be fetched (no server answers at this address)"
    )


def test_a_missing_file_is_told_in_a_line(web: Web) -> None:
    with pytest.raises(UserError, match=r"/no\.txt: there is no file of that name") as failed:
        fetch_url(f"{web.url}/no.txt")
    assert "\n" not in str(failed.value)


def test_processes_that_want_the_same_file_wait(web: Web, blocks: int) -> None:
    web.files["/a.txt"] = bytes(range(200)) * 2
    (file,) = list_files(f"{web.url}/a.txt")
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch(file).read_bytes())) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [web.files["/a.txt"]] * 3
    assert len(web.asked) == 40


def test_paths_stay_as_they_are(web: Web, tmp_path: Path) -> None:
    web.files["/a.txt"] = b"It rained."
    mine = tmp_path / "mine.txt"
    found = all_here([mine, Path(f"{web.url}/a.txt")])
    assert found[0] == mine and found[1].read_bytes() == b"It rained."


def test_a_file_without_bytes(web: Web) -> None:
    web.files["/a.txt"] = b""
    assert fetch_url(f"{web.url}/a.txt").read_bytes() == b""
