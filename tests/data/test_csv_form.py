"""CSV and TSV as people write them: delimiters and quotes that are found, or given."""

import csv
import io
import logging
import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from headwater.data.csv_form import CsvForm
from headwater.data.table_file import read_rows
from headwater.errors import UserError

WANTED = (("text",), ("label",))
ALPHABET = ["a", "b c", '"', "'", ",", ";", "|", "\t", "\n", "\r\n", "é", "", "\u2028", "\\", "#"]


def cells(path: Path, form: CsvForm | None = None) -> list[dict[str, str]]:
    return [dict(row.cells) for row in read_rows(path, form=form or CsvForm(), wanted=WANTED)]


def written(rows: list[list[str]], **options: object) -> str:
    """As `csv.writer` and so pandas' `to_csv` write them."""
    text = io.StringIO(newline="")
    csv.writer(text, **{"lineterminator": "\n", **options}).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_random_tables_come_back(tmp_path: Path, delimiter: str, name: str, quoting: int) -> None:
    dice = random.Random(f"{delimiter}{name}{quoting}")
    for _ in range(60):
        rows = [
            ["x" + "".join(dice.choices(ALPHABET, k=dice.randint(0, 5))) for _ in range(3)]
            for _ in range(dice.randint(1, 6))
        ]
        header = ["id", "text", "label"]
        end = dice.choice(["\n", "\r\n"])
        content = written([header, *rows], delimiter=delimiter, quoting=quoting, lineterminator=end)
        mark = dice.choice(["", "\ufeff"])
        (tmp_path / name).write_bytes((mark + content).encode())
        expected = [dict(zip(header, row, strict=True)) for row in rows]
        assert cells(tmp_path / name) == expected, content


def test_what_is_found_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\nx,a\n")
    with caplog.at_level(logging.INFO):
        assert cells(path) == [{"text": "x", "label": "a"}]
        assert not caplog.messages
        path.write_text("text;label\nx, y;a\n")
        assert cells(path) == [{"text": "x, y", "label": "a"}]
        assert caplog.messages == [f"{path}: the delimiter is ';'"]


def test_excel_names_its_delimiter_and_leaves_empty_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfsep=;\r\ntext;label;;\r\nx;a;;\r\n")
    [row] = read_rows(path, form=CsvForm(), wanted=WANTED)
    assert (row.cells["text"], row.cells["label"], row.line) == ("x", "a", 3)


def test_quotes_in_tsv_are_letters_where_they_can_be(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    for lines in ('"yes" he said\ta', '"yes"\ta', '"\ta', 'say ""\ta', '"a ""b"" c\ta'):
        path.write_text(f"text\tlabel\n{lines}\n")
        assert cells(path)[0]["text"] == lines.split("\t")[0]
    for cell, text in (('"say ""no"""', 'say "no"'), ('"a\tb"', "a\tb"), ('"a\nb"', "a\nb")):
        path.write_text(f"text\tlabel\n{cell}\ta\n")
        assert cells(path)[0]["text"] == text
        bare = read_rows(path)  # a benchmark's file
        if "\n" in cell or "\t" in cell:
            with pytest.raises(UserError, match=r"line 2: [13] columns?, but 2 were expected"):
                list(bare)
        else:
            assert next(bare).cells["text"] == cell
    path.write_text('"text"\t"label"\n"yes"\t"a"\n')
    assert cells(path) == [{"text": "yes", "label": "a"}]


def test_a_form_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text;label,x\nit\'s "so";a\n')
    assert cells(path, CsvForm(delimiter=";", quote=""))[0]["text"] == 'it\'s "so"'
    path.write_text("text;label\n'it''s; so';a\n")
    assert cells(path, CsvForm(quote="'")) == [{"text": "it's; so", "label": "a"}]
    path.write_text('text,label\n"say \\"no\\", please",a\n')
    assert cells(path, CsvForm(escape="\\"))[0]["text"] == 'say "no", please'
    with pytest.raises(UserError, match=r'line 2: broken CSV .*csv = { quote = "" }') as caught:
        cells(path)
    assert "\n" not in str(caught.value)
    for wrong in ({"delimiter": ";;"}, {"delimiter": ";", "quote": ";"}, {"decimal": ";"}):
        with pytest.raises(ValidationError):
            CsvForm.model_validate(wrong)


def test_a_wide_header_is_read_in_time_and_said_in_short(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    names = [f"c{number}" for number in range(100_000)]
    path.write_text(",".join(names) + "\n" + ",".join("x" for _ in names) + "\n")
    [row] = read_rows(path, form=CsvForm(), wanted=WANTED)
    with pytest.raises(UserError, match=r"'c9' and 99,990 more$") as caught:
        row.text("text")
    assert len(str(caught.value)) < 300
    path.write_text(",".join(names) + "\nx\n")
    with pytest.raises(UserError, match=r"line 2: 1 column, but 100000 .*c9 and 99,990 more"):
        list(read_rows(path, form=CsvForm()))
    path.write_text(",".join([*names, "c7"]) + "\n")
    with pytest.raises(UserError, match="two columns are called 'c7'"):
        list(read_rows(path, form=CsvForm()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\né,a\n".encode("cp1252"), r"line 2: not UTF-8 .byte 0xe9.; save it as UTF-8"),
        ("text,label\né,a\n".encode("cp1252"), "iconv -f CP1252 -t UTF-8"),
        ("text\tlabel\nx\ta\n".encode("utf-16"), "line 1: not UTF-8 but UTF-16; .*iconv -f UTF-16"),
        (b"\x1f\x8b\x08\0", "line 1: compressed by gzip, so its name must end in .gz"),
        (b"PK\x03\x04\0", "line 1: a zip archive or an Excel file, which can be saved as CSV"),
        (b"text,label\nx\0,a\n", "line 2: holds a NUL character"),
        (b"Text,label\nx,a\n", "line 1: no column text; did you mean 'Text'"),
        (b"text , label\nx,a\n", "line 1: no column text; did you mean 'text '"),
        (b"text;label\nx;a;b\n", "line 2: 3 columns, but 2 were expected"),
        (b'text,label\n"x,a\n', "line 2: broken CSV"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    def texts() -> list[str]:
        return [row.text("text") for row in read_rows(path, form=CsvForm(), wanted=WANTED)]

    with pytest.raises(UserError, match=message) as caught:
        texts()
    assert "\n" not in str(caught.value)
