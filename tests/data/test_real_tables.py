"""Every table of the real data is read, and as before where its form is found and not given."""

import hashlib
from pathlib import Path

from headwater.data.csv_form import CsvForm
from headwater.data.table_file import read_rows

ENDS = (".tsv", ".csv", ".jsonl", ".tsv.gz", ".jsonl.gz")
QUOTED = {"sqa"}  # tables that are quoted as pandas does it, in .tsv
HEADLESS = ("CoLA", "original")  # their first line is no header
LARGE = ("books", "openstax", "factbook", "wikipedia", "train.tsv", "train.jsonl")


def digest(path: Path, form: CsvForm | None) -> tuple[int, str]:
    rows, content = 0, hashlib.sha256()
    for row in read_rows(path, form=form):
        rows += 1
        content.update(repr((row.line, row.cells)).encode())
    return rows, content.hexdigest()


def test_every_table_opens(shared: Path) -> None:
    opened = 0
    for end in ENDS:
        for path in sorted((shared / "data").glob(f"*/*/*{end}")):
            if any(part in str(path) for part in (*HEADLESS, *LARGE)):
                continue
            found = digest(path, CsvForm())
            assert found[0] > 0, path
            assert path.parent.name in QUOTED or digest(path, None) == found, path
            opened += 1
    assert opened > 20
