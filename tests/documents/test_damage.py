"""Damage that SQLite does not notice: a value of another kind in any column."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import made
from headwater.documents import engines
from headwater.documents.index import open_index
from headwater.documents.update import build, update
from headwater.errors import UserError

QUESTION = "When did the castle burn?"
VALUES = (b"\xff\x00", b"\x81", "abc", -7, 2.5, None)
COLUMNS = {
    "sources": ("path", "removed"),
    "globs": ("glob", "kind"),
    "files": (
        *("path", "size", "modified", "sha256", "converter"),
        *("status", "reason", "title", "characters", "passages"),
    ),
    "passages": ("headings", "text", "page", "first", "last", "edits"),
    "settings": ("value",),
    "vectors": ("scale", "vector"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("whole")
    patch = pytest.MonkeyPatch()
    patch.setattr(engines, "vector_setting", lambda model: {"model": model, "sha256": "0"})
    patch.setattr(engines, "embeds_of", lambda setting, index: ones)
    build([made.folder(where / "documents")], where / "x.index", include=["*"], vectors="ones")
    patch.undo()
    return where / "x.index"


def ones(texts: Any, prompt: str) -> Any:
    return np.ones((len(texts), 8), np.float32)


def use(index: Path) -> None:
    with open_index(index) as opened:
        opened.summary()
        list(opened.files())
        for filters in ((), "path=*"):
            for hit in opened.search(QUESTION, 20, filters):
                hit.to_dict()
                hit.nearest(QUESTION)


@pytest.mark.parametrize(
    ("table", "column"), [(table, each) for table, known in COLUMNS.items() for each in known]
)
def test_a_value_of_another_kind(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, column: str
) -> None:
    monkeypatch.setattr(engines, "embeds_of", lambda setting, index: ones)
    damaged, refused, changed = tmp_path / "x.index", 0, 0
    for value in VALUES:
        shutil.copy(whole, damaged)
        with closing(sqlite3.connect(damaged)) as connection:
            first = f"(SELECT min(rowid) FROM {table})"
            change = f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid = {first}"
            changed += connection.execute(change, (value,)).rowcount
            connection.commit()
        for action in (use, update):
            try:
                action(damaged)
            except UserError:  # and nothing else
                refused += 1
    assert changed and refused


def test_the_message_says_what_to_do(whole: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "x.index"
    shutil.copy(whole, damaged)
    with closing(sqlite3.connect(damaged)) as connection:
        connection.execute("UPDATE settings SET value = '{'")
        connection.commit()
    with pytest.raises(UserError, match=r"x\.index: this index is damaged \(its setting .* again"):
        use(damaged)
