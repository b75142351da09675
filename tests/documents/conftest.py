"""A folder of documents of every kind, and indexes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import made
from headwater.documents.index import Index, open_index
from headwater.documents.update import build
from made import Opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Documents of seven kinds, one of them in a folder below."""
    return made.folder(tmp_path / "documents")


@pytest.fixture
def index(folder: Path, tmp_path: Path) -> Path:
    """An index of the folder."""
    build([folder], tmp_path / "x.index")
    return tmp_path / "x.index"


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of such a folder that no test changes."""
    where = tmp_path_factory.mktemp("standing")
    build([made.folder(where / "documents")], where / "x.index")
    return where / "x.index"


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Open indexes that are closed in the end."""
    found: list[Index] = []

    def open_one(path: Path) -> Index:
        found.append(open_index(path))
        return found[-1]

    yield open_one
    for each in found:
        each.close()
