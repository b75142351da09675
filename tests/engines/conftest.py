"""A reader and a T5 in folders, to be exported."""

from pathlib import Path

import pytest

import tiny


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of random weights that finds spans."""
    return tiny.reader(tmp_path_factory.mktemp("reader") / "model")


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 of random weights."""
    folder = tmp_path_factory.mktemp("writer") / "model"
    return tiny.model_folder(folder, tiny.example_unigram(), family="t5")
