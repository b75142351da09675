"""Servers on loopback, in a thread of this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="needs headwater[serve]")

from headwater.inference.loaded import load
from headwater.pipelines.names import tasks_of
from headwater.serving.application import application
from headwater.serving.models import Models, ServedModel
from headwater.serving.settings import Settings
from serving_threads import serving
from tiny_tasks import made


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Models]:
    """Return the tiny models of some names, each made once."""
    folder = tmp_path_factory.mktemp("served")
    known: dict[str, ServedModel] = {}

    def found(*names: str) -> Models:
        for name in names:
            if name not in known:
                loaded = load(made(folder / name, name), "cpu")
                known[name] = ServedModel(name, loaded, tasks_of(loaded))
        return Models([known[name] for name in names])

    return found


@pytest.fixture(scope="module")
def served(tiny_models: Callable[..., Models]) -> Iterator[str]:
    """The address of a server with every tiny model."""
    names = ("reader", "tagger", "classifier", "nli", "filler", "encoder", "t5", "gpt")
    settings = Settings(port=0)
    with serving(application(tiny_models(*names), settings), settings) as address:
        yield address


@pytest.fixture
def example_index(tmp_path: Path) -> Path:
    """An index of two small documents."""
    from headwater.documents.update import build

    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "mill.txt").write_text("Ada built the mill.\n\nIt stands by the river.")
    (folder / "well.txt").write_text("Bob dug the well.")
    file = tmp_path / "all.index"
    build([folder], file)
    return file
