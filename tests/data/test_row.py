"""Cells of rows as texts: what can be read is, and what cannot is named with its row."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.errors import MissingField, UserError


def parquet(path: Path, columns: dict[str, Any]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(columns), path)
    return path


def row(**cells: Any) -> Row:
    return Row(Path("a.parquet"), 3, cells, "row")


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary"])
def test_every_kind_of_text_in_parquet(tmp_path: Path, kind: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    texts = pyarrow.array(["x", "", "ü" * 300, None])
    if kind == "dictionary":
        column = texts.dictionary_encode()
    else:
        column = texts.cast(getattr(pyarrow, kind)())
    rows = list(read_rows(parquet(tmp_path / "a.parquet", {"text": column})))
    assert [each.text("text") for each in rows[:3]] == ["x", "", "ü" * 300]
    with pytest.raises(UserError, match=r"a.parquet, row 4: 'text' is null; a text was expected"):
        rows[3].text("text")


def test_more_rows_than_are_taken_at_once(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"text": [f"x{n}" for n in range(1000)]})
    assert [each.line for each in read_rows(path)] == list(range(1, 1001))
    assert [each.text("text") for each in read_rows(path)] == [f"x{n}" for n in range(1000)]


def test_bytes_that_are_no_text_are_named_by_row(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    wrong = pyarrow.Array.from_buffers(
        pyarrow.string(),
        2,
        [None, pyarrow.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pyarrow.py_buffer(b"a\xff")],
    )
    with pytest.raises(UserError, match=r"a.parquet, row 2: a text that is not UTF-8"):
        list(read_rows(parquet(tmp_path / "a.parquet", {"text": wrong})))


def test_names_that_occur_twice_in_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_arrays([pyarrow.array(["x"])] * 2, names=["text", "text"])
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a.parquet: two columns are called 'text'"):
        list(read_rows(tmp_path / "a.parquet"))


def test_whole_numbers_are_texts_and_lists_are_several() -> None:
    found = row(year=2019, answers=["a", 7], text={"en": "x", "more": {"de": "y"}})
    assert found.text("year") == "2019"
    assert found.texts("answers") == ("a", "7")
    assert (found.text("text.en"), found.text("text.more.de")) == ("x", "y")
    assert row(**{"a.b": "whole", "a": {"b": "part"}}).text("a.b") == "whole"
    assert row(a=None).texts("a", optional=True) == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "'a' is null; a text was expected"),
        (True, "'a' must be a text, not True"),
        (3.5, "'a' must be a text, not 3.5; save it as text"),
        (b"x", "'a' must be a text, not b'x'; save it as text"),
        (datetime.date(2020, 1, 2), "'a' must be a text, not datetime.date"),
        ({"en": "x"}, "'a' must be a text, not {'en': 'x'}; name a field of it, as a.en"),
        (["x"], r"'a' must be a text, not \['x'\]"),
    ],
)
def test_what_is_no_text(value: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"a.parquet, row 3: {message}"):
        row(a=value).text("a")


def test_a_column_that_is_called_almost_so() -> None:
    with pytest.raises(MissingField, match=r"no column text; did you mean ' Text'\?"):
        row(**{" Text": "x"}).text("text")
    with pytest.raises(MissingField, match=r"no column text or body; there are 'a', 'b'"):
        row(a="x", b="y").text("text", "body")
    with pytest.raises(MissingField, match=r"no column ''; there are 'a', 'b'"):
        row(a="x", b="y").text("")
    with pytest.raises(MissingField, match=r"no column a.c; there are 'a'"):
        row(a={"b": "x"}).text("a.c")


RECORDS = [{"text": "x", "label": 1}, {"text": "y\u2028", "label": 0}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "".join(json.dumps(each) + "\n" for each in RECORDS)),
        ("a.json", "\n\n".join(json.dumps(each, ensure_ascii=False) for each in RECORDS)),
        ("a.json", json.dumps(RECORDS)),
        ("a.json", json.dumps(RECORDS, indent=2)),
        ("a.jsonl", json.dumps(RECORDS)),
        ("a.json", json.dumps({"version": 1, "data": RECORDS})),
        ("a.json", json.dumps({"Data": RECORDS}, indent=1)),
    ],
)
def test_json_lines_lists_and_documents(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text("\ufeff" + content)
    assert [dict(each.cells) for each in read_rows(path)] == RECORDS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"text": {"0": "x"}, "label": {"0": 1}}',
            r"a.json: columns, not rows; .*'records'",
        ),
        ('[{"text": "x"}, 3]', "a.json, record 2: a JSON object was expected"),
        ("[]", "a.json: a list of JSON objects was expected"),
        ('{"data": {}}', "a.json: a list of JSON objects was expected, alone or in 'data'"),
        ('{"text": "x"}\n{"text": }\n', "a.json, line 2, column 10: broken JSON"),
        ('[{"text": "x"},\n{"text": }]', "a.json, line 2, column 10: broken JSON"),
        (" \n", "a.json: empty"),
    ],
)
def test_json_that_is_no_table(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        list(read_rows(path))
    assert "\n" not in str(caught.value)


def test_exports_of_datasets_say_the_same(tmp_path: Path) -> None:
    """What `Dataset.to_csv`, `to_json` and `to_parquet` write of one set."""
    texts, numbers = ['He said "no", twice', "two\nlines", "ü;|\t"], [1, 0, 1]
    (tmp_path / "a.csv").write_bytes(
        'text,label\n"He said ""no"", twice",1\n"two\nlines",0\nü;|\t,1\n'.encode()
    )
    pairs = [{"text": text, "label": n} for text, n in zip(texts, numbers, strict=True)]
    (tmp_path / "a.json").write_text("".join(json.dumps(each) + "\n" for each in pairs))
    parquet(tmp_path / "a.parquet", {"text": texts, "label": numbers})
    for name in ("a.csv", "a.json", "a.parquet"):
        rows = list(read_rows(tmp_path / name, wanted=[("text",), ("label",)]))
        assert [each.text("text") for each in rows] == texts, name
        assert [each.text("label") for each in rows] == ["1", "0", "1"], name


def test_a_document_in_one_line_may_be_longer_than_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.streams.LONGEST", 20)
    for content in (RECORDS, {"data": RECORDS}):
        (tmp_path / "a.json").write_text(json.dumps(content))
        assert [dict(each.cells) for each in read_rows(tmp_path / "a.json")] == RECORDS
    (tmp_path / "a.jsonl").write_text(json.dumps(RECORDS[0]) + "\n")
    with pytest.raises(UserError, match=r"a.jsonl, line 1: longer than"):
        list(read_rows(tmp_path / "a.jsonl"))
