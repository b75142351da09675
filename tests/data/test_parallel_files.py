"""Sentences with their translations: files side by side, tables, and what does not fit."""

import gzip
import json
from pathlib import Path

import pytest

from headwater.data.parallel_files import read_parallel
from headwater.errors import UserError


def pairs(path: Path, *, answered: bool = True) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (each.source, each.targets) for each in read_parallel(path, "en", "de", answered=answered)
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_side_by_side(tmp_path: Path, end: str) -> None:
    (tmp_path / "val.en").write_bytes(f"A dog.{end}It\u2028rains.{end}".encode())
    (tmp_path / "val.de").write_bytes(f"Ein Hund.{end}Es regnet.".encode())
    expected = [("A dog.", ("Ein Hund.",)), ("It\u2028rains.", ("Es regnet.",))]
    assert pairs(tmp_path / "val.en") == expected
    (tmp_path / "val.de.gz").write_bytes(gzip.compress((tmp_path / "val.de").read_bytes()))
    (tmp_path / "val.de").unlink()
    assert pairs(tmp_path / "val.en") == expected


@pytest.mark.parametrize("form", ["nested.jsonl", "flat.jsonl", "a.csv", "a.tsv"])
def test_tables(tmp_path: Path, form: str) -> None:
    row = {"en": "A dog.", "de": "Ein Hund."}
    text = {
        "nested.jsonl": json.dumps({"translation": row}),
        "flat.jsonl": json.dumps(row),
        "a.csv": 'en,de\n"A dog.",Ein Hund.',
        "a.tsv": "en\tde\nA dog.\tEin Hund.",
    }[form]
    path = tmp_path / form
    path.write_text(text)
    assert pairs(path) == [("A dog.", ("Ein Hund.",))]
    assert pairs(path, answered=False) == [("A dog.", ())]


def test_parquet_of_the_hub(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"translation": [{"en": "A dog.", "de": "Ein Hund."}]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert pairs(tmp_path / "a.parquet") == [("A dog.", ("Ein Hund.",))]


def test_to_predict_any_file_is_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A dog.\n\nB\n")
    assert [each for each, _ in pairs(tmp_path / "a.txt", answered=False)] == ["A dog.", "", "B"]


def test_what_does_not_fit_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("1\n2\n3\n")
    with pytest.raises(UserError, match=r"a.en: its translation a.de is not beside it"):
        pairs(tmp_path / "a.en")
    (tmp_path / "a.de").write_text("1\n2\n")
    with pytest.raises(UserError, match=r"lines of .*a.en: 3, of .*a.de: 2; a.de has no line 3"):
        pairs(tmp_path / "a.en")
    with pytest.raises(UserError, match=r"a.de: expected a file in the language en, such as"):
        pairs(tmp_path / "a.de")
    with pytest.raises(UserError, match=r"gone.en: its translation|gone.en: no such file"):
        pairs(tmp_path / "gone.en")
    for text, message in (
        (
            '{"en": "a", "fr": "b"}',
            r"b.jsonl, line 1: a text was expected in 'de'; there are en, fr",
        ),
        ('{"translation": "a"}', "'translation' must be an object with en and de"),
    ):
        (tmp_path / "b.jsonl").write_text(text + "\n")
        with pytest.raises(UserError, match=message):
            pairs(tmp_path / "b.jsonl")
