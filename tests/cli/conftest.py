"""A tiny model in a folder."""

import string
from pathlib import Path

import pytest

import tiny

WORDS = ["the", "mill", "river", "where", "is", "what", "who", "by"]
LETTERS = string.ascii_lowercase + string.digits + ".?,"


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader of random weights that answers in milliseconds, badly."""
    folder = tmp_path_factory.mktemp("reader")
    vocabulary = tiny.wordpiece(folder, WORDS, LETTERS)
    extra = {"spans": {"max_length": 96, "max_query_length": 24}, "no_answer_threshold": 0.0}
    sizes = {"num_hidden_layers": 1, "max_position_embeddings": 128}
    return tiny.model_folder(folder / "model", vocabulary, "span", extra=extra, **sizes)
