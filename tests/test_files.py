"""Reading says what is wrong in a line; writing leaves the old content or the new."""

import gzip
import os
import threading
from pathlib import Path

import pytest

from headwater.errors import UserError
from headwater.files import (
    check_writable,
    parse_json,
    read_bytes,
    read_json,
    read_text,
    replace_file,
    replacing_folder,
    sha256,
)


def test_text_is_read_with_or_without_gzip_and_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfd\xc3\xa9j\xc3\xa0")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("déjà".encode()))
    assert read_text(tmp_path / "a.txt") == read_text(tmp_path / "a.txt.gz") == "déjà"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("latin.txt", b"one\ntwo \xe9\n", "line 2: not UTF-8"),
        ("nul.txt", b"one\n\x00", "line 2: holds a NUL"),
        ("broken.gz", b"not gzip at all", "gzip"),
        ("cut.gz", gzip.compress(b"x" * 1000, mtime=0)[:-9], "gzip"),
    ],
)
def test_broken_text_is_one_clear_line(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=said) as raised:
        read_text(path)
    assert str(path) in str(raised.value)


def test_missing_folder_and_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_bytes(tmp_path / "absent")
    with pytest.raises(UserError, match="folder"):
        read_bytes(tmp_path)

    def refuse(path: Path, mode: str) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "secret").write_text("")
    monkeypatch.setattr(Path, "open", refuse)  # root may read anything
    with pytest.raises(UserError, match="Permission denied"):
        read_bytes(tmp_path / "secret")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("{", "line 1"),
        ('{"a": NaN}', "NaN"),
        ('["\\ud800"]', "half a character"),
        ('{"\\udc00": 1}', "half a character"),
        ("[" * 100_000, "deep"),
        ("[" + "9" * 5000 + "]", "broken"),
    ],
)
def test_broken_json_is_one_clear_line(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        parse_json(text, "file.json")
    assert str(raised.value).startswith("file.json")
    assert "\n" not in str(raised.value)


def test_whole_surrogate_pairs_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('["\\ud83d\\ude00"]', encoding="utf-8")
    assert read_json(path) == ["😀"]


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.json"
    replace_file(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.json"]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with replacing_folder(target) as folder:
        (folder / "a").write_text("old")
    with pytest.raises(RuntimeError), replacing_folder(target) as folder:  # noqa: PT012
        (folder / "a").write_text("new")
        raise RuntimeError
    assert (target / "a").read_text() == "old"
    with replacing_folder(target) as folder:
        (folder / "b").write_text("new")
    assert [item.name for item in target.iterdir()] == ["b"]
    assert os.listdir(tmp_path) == ["model"]


def test_what_is_written_is_as_readable_as_any_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    expected = (tmp_path / "plain").stat().st_mode
    replace_file(tmp_path / "file", "x")
    with replacing_folder(tmp_path / "folder") as folder:
        os.close(os.open(folder / "secret", os.O_CREAT | os.O_WRONLY, 0o600))
    for path in (tmp_path / "file", tmp_path / "folder" / "secret"):
        assert path.stat().st_mode == expected


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
def test_where_no_file_can_be_made_is_reported_beforehand(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"/proc: this folder cannot be written to \("):
        check_writable(Path("/proc/output"))
    check_writable(tmp_path / "new" / "output")
    assert not list(tmp_path.iterdir())


def test_sha256_is_the_published_one(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc").startswith("ba7816bf8f01cfea")


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_small_file_that_has_no_end_is_not_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(UserError, match=r"config\.json: .*(plain file|folder)"):
        read_json(path)
    if kind == "device":
        with pytest.raises(UserError, match="plain file"):
            read_bytes(path)


def test_what_is_read_has_a_bound_however_it_is_compressed(tmp_path: Path) -> None:
    path = tmp_path / "data.json.gz"
    path.write_bytes(gzip.compress(b" " * (64 << 20)))
    assert path.stat().st_size < 100_000
    with pytest.raises(UserError, match=r"data\.json\.gz: holds more than 16 MiB"):
        read_bytes(path, 16 << 20)
    assert len(read_bytes(path, 64 << 20)) == 64 << 20


def test_data_may_come_through_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"a text",))
    writer.start()
    assert read_bytes(path) == b"a text"
    writer.join()
