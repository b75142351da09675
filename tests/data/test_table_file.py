"""Rows of tables: unquoted TSV, CSV, JSON lines and Parquet, and one clear line on a broken one."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from headwater.data.official_files import TaskFiles, official_files, with_folders
from headwater.data.table_file import Headless, read_rows
from headwater.errors import UserError

LAYOUT = TaskFiles("RTE", {"train": ("train.tsv",), "validation": ("dev.tsv", "more.tsv")})


def _cells(path: Path, **options: object) -> list[dict[str, object]]:
    return [dict(row.cells) for row in read_rows(path, **options)]  # type: ignore[arg-type]


def _write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_bytes(content.encode())
    return path


def test_quotes_are_letters_in_tsv(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.tsv", 'index\tsentence\n0\tHe said "no\n1\t"yes" he "said"\n')
    assert _cells(path) == [
        {"index": "0", "sentence": 'He said "no'},
        {"index": "1", "sentence": '"yes" he "said"'},
    ]


def test_a_cell_of_a_csv_may_be_a_document(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"text,label\n{'a' * 200_000},1\n")
    [row] = read_rows(path)
    assert len(row.cells["text"]) == 200_000


def test_windows_ends_a_mark_and_odd_line_breaks_inside_a_text(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.tsv", "\ufeffa\tb\r\n1\tx\u2028y\x85z\r\n2\t\r\n\r\n")
    assert _cells(path) == [{"a": "1", "b": "x\u2028y\x85z"}, {"a": "2", "b": ""}]
    packed = tmp_path / "a.tsv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert _cells(packed) == _cells(path)


def test_the_line_ends_of_an_old_mac(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.tsv", "a\tb\r1\t2\r3\t4\r")
    assert _cells(path) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_a_file_with_and_without_a_header(tmp_path: Path) -> None:
    shape = Headless(("source", "label", "mark", "sentence"), "sentence")
    bare = _write(tmp_path, "dev.tsv", "gj04\t1\t\tIt rains.\nr-67\t0\t*\tIt rain.\n")
    rows = list(read_rows(bare, headless=shape))
    assert [row.cells["sentence"] for row in rows] == ["It rains.", "It rain."]
    assert rows[1].where == f"{bare}, line 2"
    headed = _write(tmp_path, "test.tsv", "index\tsentence\n0\tIt rains.\n")
    assert _cells(headed, headless=shape) == [{"index": "0", "sentence": "It rains."}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "", "a.tsv: empty"),
        ("a.tsv", "a\tb\n1\t2\n1\t2\t3\n", "line 3: 3 columns, but 2 were expected .a, b."),
        ("a.tsv", "a\tb\n1\n", "line 2: 1 column, but 2 were"),
        ("a.tsv", "a\tb\n1\t2\n\n1\t2\n", "line 3: nothing, but 2 were expected"),
        ("a.tsv", "a\ta\n1\t2\n", "line 1: two columns are called 'a'"),
        ("a.csv", "", "a.csv: empty"),
        ("a.csv", 'a,b\n1,"2\n3"\n4\n', "line 4: 1 column, but 2 were"),
        ("a.csv", 'a,b\n1,"2"x\n', "line 2: broken CSV"),
        ("a.jsonl", " \n", "a.jsonl: empty"),
        ("a.jsonl", '{"a": 1}\n[1]\n', "line 2: a JSON object was expected"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "line 2, column 7: broken JSON"),
        ("a.parquet", "PAR1", "a.parquet: not a whole Parquet file"),
        ("a.xml", "<a/>", "a.xml: of no known kind; expected .tsv"),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        list(read_rows(_write(tmp_path, name, content)))
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_no_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nope: no such file"):
        list(read_rows(tmp_path / "nope"))


def test_rows_cut_short_are_left_out_when_asked(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.tsv", "a\tb\n1\n1\t2\n")
    short: list[str] = []
    assert _cells(path, short=short) == [{"a": "1", "b": "2"}]
    assert short == [f"{path}, line 2: 1 of 2 columns"]
    with pytest.raises(UserError, match="line 2: 3 columns"):
        _cells(_write(tmp_path, "b.tsv", "a\tb\n1\t2\t3\n"), short=[])


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(exclude_characters="\0", codec="utf-8"))] * 2),
        min_size=1,
    )
)
def test_csv_json_and_parquet_give_back_any_text(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    expected = [{"a": "x" + first, "b": second} for first, second in rows]
    lines = "".join(json.dumps(row) + "\n" for row in expected)
    assert _cells(_write(folder, "a.jsonl", lines)) == expected
    parquet.write_table(pa.Table.from_pylist(expected), folder / "a.parquet")
    assert _cells(folder / "a.parquet") == expected
    quoted = [
        ",".join('"' + text.replace('"', '""') + '"' for text in row.values()) for row in expected
    ]
    assert _cells(_write(folder, "a.csv", "a,b\r\n" + "\r\n".join(quoted) + "\r\n")) == expected


def test_official_files_in_the_task_s_folder_and_the_benchmark_s(tmp_path: Path) -> None:
    inner = tmp_path / "RTE"
    inner.mkdir()
    for name in ("dev.tsv", "train.tsv"):
        _write(inner, name, "")
    assert LAYOUT.find(tmp_path, "train") == (inner / "train.tsv",)
    assert LAYOUT.find(inner, "train") == (inner / "train.tsv",)
    assert LAYOUT.find(tmp_path, "validation") == ()  # one of the two is absent
    with pytest.raises(UserError, match=r"no dev.tsv and more.tsv of task rte here or in RTE/"):
        with_folders("rte", LAYOUT, [tmp_path])
    _write(inner, "more.tsv", "")
    other = tmp_path / "other.tsv"
    both = [inner / "dev.tsv", inner / "more.tsv"]
    assert with_folders("rte", LAYOUT, [other, tmp_path]) == [other, *both]
    with pytest.raises(UserError, match="has no official test files"):
        official_files("rte", LAYOUT, tmp_path, "test")
    with pytest.raises(UserError, match="has no official validation files"):
        with_folders("own", None, [tmp_path])


def test_times_that_python_cannot_hold_hinder_no_other_column(tmp_path: Path) -> None:
    times = {
        "nanoseconds": pa.array([1, None], pa.timestamp("ns")),
        "years": pa.array([10**15, 0], pa.timestamp("s")),
        "list": pa.array([[1], []], pa.list_(pa.timestamp("ns"))),
        "zone": pa.array([1, 2], pa.timestamp("us", "Nope/Zone")),
    }
    parquet.write_table(pa.table({"text": ["a", "b"], **times}), tmp_path / "a.parquet")
    rows = list(read_rows(tmp_path / "a.parquet"))
    assert [row.text("text") for row in rows] == ["a", "b"]
    for name in times:
        with pytest.raises(UserError, match=rf"row 1: '{name}' must be a text, not .*; save it"):
            rows[0].text(name)
