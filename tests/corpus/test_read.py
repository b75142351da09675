"""Every format gives the same documents; every bad line is named and costs nothing else."""

import gzip
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow
import pytest
import zstandard
from pyarrow import parquet

from headwater import text_files
from headwater.corpus import read
from headwater.corpus.read import BadLines, DocumentPart, DocumentReader, documents
from headwater.corpus.sources import find_sources
from headwater.errors import UserError

TEXTS = ["One.", "Zwei Mühlen.\n\nEt voilà !", "日本語。", "😀 four"]


def joined(parts: Iterable[DocumentPart]) -> list[str]:
    """Return the documents of parts."""
    found, text = [], ""
    for part in parts:
        text += part.text
        if part.last:
            found.append(text)
            text = ""
    assert not text, "the last document has no end"
    return found


def read_all(*inputs: Path, field: str = "text") -> tuple[list[str], BadLines]:
    reading = DocumentReader(find_sources(inputs).files, field)
    found = joined(reading)
    assert reading.position == reading.total
    return found, reading.bad


def as_lines(texts: list[str]) -> bytes:
    return "".join(json.dumps({"text": text, "id": 1}) + "\n" for text in texts).encode()


def write_parquet(file: Path, texts: list[str | None]) -> None:
    parquet.write_table(pyarrow.table({"id": range(len(texts)), "text": texts}), file)


WAYS: dict[str, Callable[[Path], object]] = {
    "a.jsonl": lambda file: file.write_bytes(as_lines(TEXTS)),
    "a.jsonl.gz": lambda file: file.write_bytes(gzip.compress(as_lines(TEXTS))),
    "two.jsonl.gz": lambda file: file.write_bytes(
        gzip.compress(as_lines(TEXTS[:1])) + gzip.compress(as_lines(TEXTS[1:]))
    ),
    "a.jsonl.zst": lambda file: file.write_bytes(zstandard.compress(as_lines(TEXTS))),
    "two.jsonl.zst": lambda file: file.write_bytes(
        zstandard.compress(as_lines(TEXTS[:1])) + zstandard.compress(as_lines(TEXTS[1:]))
    ),
    "a.parquet": lambda file: write_parquet(file, list(TEXTS)),
    "c4-train.00000.json.gz": lambda file: file.write_bytes(gzip.compress(as_lines(TEXTS))),
    "A.JSONL": lambda file: file.write_bytes(b"\xef\xbb\xbf" + as_lines(TEXTS)),
    "windows.jsonl": lambda file: file.write_bytes(as_lines(TEXTS).replace(b"\n", b"\r\n")),
    "blank.jsonl": lambda file: file.write_bytes(as_lines(TEXTS).replace(b"\n", b"\n \n")),
    "no_end.jsonl": lambda file: file.write_bytes(as_lines(TEXTS).rstrip(b"\n")),
}


@pytest.mark.parametrize("name", WAYS)
def test_every_way_gives_the_same_documents(tmp_path: Path, name: str) -> None:
    WAYS[name](tmp_path / name)
    found, bad = read_all(tmp_path / name)
    assert found == TEXTS
    assert bad.count == 0


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_a_text_file_is_one_document(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    name = {bytes: "a.txt", gzip.compress: "a.txt.gz"}.get(pack, "a.txt.zst")
    (tmp_path / name).write_bytes(pack(b"\xef\xbb\xbfOne.\r\n\r\nTwo \xc3\xa9."))
    assert read_all(tmp_path / name)[0] == ["One.\n\nTwo é."]


def test_a_parquet_file_of_dictionaries_and_large_strings(tmp_path: Path) -> None:
    plain = pyarrow.array(TEXTS)
    for kind in (plain.dictionary_encode(), plain.cast(pyarrow.large_string())):
        parquet.write_table(pyarrow.table({"body": kind}), tmp_path / "a.parquet", row_group_size=3)
        assert read_all(tmp_path / "a.parquet", field="body")[0] == TEXTS


def test_a_folder_gives_its_files_in_order(tmp_path: Path) -> None:
    for name in (
        "b.txt",
        "a/z.txt",
        "a/y.jsonl",
        ".hidden.txt",
        ".git/c.txt",
        "a.md",
        "x.tar.gz",
        "a.json",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"text": name}))
    (tmp_path / "folder.txt").mkdir()
    found = find_sources([tmp_path, tmp_path / "b.txt"])
    names = [file.relative_to(tmp_path).as_posix() for file in found.files]
    assert names == ["a/y.jsonl", "a/z.txt", "b.txt"]  # each once
    assert sorted(file.name for file in found.passed_over) == ["a.json", "a.md", "x.tar.gz"]
    assert list(documents([tmp_path])) == ["a/y.jsonl", '{"text": "a/z.txt"}', '{"text": "b.txt"}']


@pytest.mark.parametrize("name", ["absent.txt", "a.md", "empty", "no\0name", "x" * 5000])
def test_an_input_that_cannot_be_read_is_a_mistake(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.md").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as raised:
        find_sources([tmp_path / name])
    assert "\n" not in str(raised.value)


def test_a_library_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt.zst").touch()
    monkeypatch.setattr(text_files, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"zstandard; pip install 'headwater\[corpus\]'"):
        find_sources([tmp_path])


BAD = [
    (b'{"text": ', "broken JSON"),
    (b"[1]", "not an object"),
    (b'{"body": "x"}', "no text in the field 'text'"),
    (b'{"text": 3}', "no text"),
    (b'{"text": null}', "no text"),
    (b'{"text": "\xff"}', "not UTF-8 (byte 0xff)"),
    (b'{"text": "a\\u0000b"}', "NUL"),
    (b'{"text": "\\ud83d"}', "\\ud83d without its pair"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"text": "x", "n": ' + b"9" * 5000 + b"}", "too many digits"),
    (b"\x00\x01\xfe", "not UTF-8"),
]


@pytest.mark.parametrize(("line", "said"), BAD)
def test_a_bad_line_of_json_is_named_and_passed_over(
    tmp_path: Path, line: bytes, said: str
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(as_lines(["first"]) + line + b"\n" + as_lines(["last"]))
    found, bad = read_all(file)
    assert found == ["first", "last"]
    assert bad.count == 1
    assert bad.named[0].startswith(f"{file}, line 2: ")
    assert said in bad.named[0]


def test_only_the_first_bad_lines_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"{\n" * 1000)
    found, bad = read_all(tmp_path)
    assert not found
    assert bad.count == 1000
    assert len(bad.named) == read.SHOWN


def test_a_line_without_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "_LONGEST_LINE", 1000)
    monkeypatch.setattr(read, "_BLOCK", 300)
    (tmp_path / "a.jsonl").write_bytes(as_lines(["a", "b" * 5000, "c"]) + b"x" * 5000)
    found, bad = read_all(tmp_path)
    assert found == ["a", "c"]
    file = tmp_path / "a.jsonl"
    assert bad.named == [f"{file}, line {n}: longer than 1,000 bytes" for n in (2, 4)]


def test_bad_lines_of_a_text_file_cost_only_themselves(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"One.\nzwei M\xfchlen\nTwo.\nno\0text\nThree.")
    found, bad = read_all(file)
    assert found == ["One.\nTwo.\nThree."]
    assert bad.named == [
        f"{file}, line 2: not UTF-8 (byte 0xfc); save it as UTF-8",
        f"{file}, line 4: holds a NUL character; this is not text",
    ]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.parquet", "a.txt.gz", "a.jsonl.zst"])
def test_binary_rubbish_gives_nothing_and_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x89\x00" + random.Random(0).randbytes(200_000))
    (tmp_path / "b.txt").write_text("good")
    found, bad = read_all(tmp_path)
    assert [text for text in found if text] == ["good"]
    assert bad.count
    assert str(tmp_path / name) in bad.named[0]
    assert len(bad.named[0]) < 400


def test_utf_16_is_not_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One.\nTwo.\n", encoding="utf-16")
    found, bad = read_all(tmp_path)
    assert found == [""]
    assert "save it as UTF-8" in bad.named[0]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.jsonl.gz", gzip.compress),
        ("a.jsonl.zst", zstandard.compress),
        ("a.txt.gz", gzip.compress),
    ],
)
def test_a_file_that_was_cut_short_gives_its_beginning(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    words = random.Random(0)
    texts = [f"{words.getrandbits(400):x}" for _ in range(20_000)]
    whole = pack(as_lines(texts))
    (tmp_path / name).write_bytes(whole[: len(whole) * 3 // 4])
    (tmp_path / "b.txt").write_text("good")
    found, bad = read_all(tmp_path)
    assert found[-1] == "good"
    assert bad.count == 1
    assert "to its end: cannot be read" in bad.named[0]
    if "jsonl" in name:
        assert found[:-1] == texts[: len(found) - 1]
        assert len(found) > 1000


def test_a_column_that_holds_no_text_is_named(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"n": [1, 2]}), tmp_path / "a.parquet")
    assert "no column 'text'; it has n" in read_all(tmp_path)[1].named[0]
    assert "holds int64, not text" in read_all(tmp_path, field="n")[1].named[0]


def test_bad_rows_are_named(tmp_path: Path) -> None:
    broken = pyarrow.array([b"a", None, b"\xff", b"no\0text", b"e"], pyarrow.binary())
    column = broken.view(pyarrow.string())
    parquet.write_table(pyarrow.table({"text": column}), tmp_path / "a.parquet")
    found, bad = read_all(tmp_path)
    assert found == ["a", "e"]
    numbered = [line.split(", ")[1].split(": ") for line in bad.named]
    assert [row for row, _ in numbered] == ["row 2", "row 3", "row 4"]
    assert [reason.split()[0] for _, reason in numbered] == ["no", "not", "holds"]


@pytest.mark.parametrize("space", [" ", "\n", "\r\n", ""])
def test_a_long_text_comes_in_parts_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: str
) -> None:
    monkeypatch.setattr(read, "_BLOCK", 1000)
    text = space.join(f"Mühle{i}日本😀" for i in range(3000))
    (tmp_path / "a.txt").write_bytes(text.encode())
    parts = list(DocumentReader(find_sources([tmp_path]).files))
    assert len(parts) > 20
    assert joined(parts) == [text.replace("\r\n", "\n")]
    assert max(len(part.text.encode()) for part in parts) < 2000
