"""Models that take no time, and a text."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.inference.answer import Answer
from headwater.inference.loaded import LoadedModel
from oracle import Oracle


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> Oracle:
    """The writer and the reader of every question generation."""
    made = Oracle()

    def writing(model: LoadedModel, **options: Any) -> Callable[..., Iterator[str]]:
        return made.write

    def answer(model: LoadedModel, pairs: Sequence[tuple[str, str]]) -> list[list[Answer]]:
        return made.answer(pairs)

    monkeypatch.setattr("headwater.questions.generate.writing", writing)
    monkeypatch.setattr(LoadedModel, "answer_batch", answer)
    return made


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A tiny T5 and a tiny reader, by what they are for."""
    folder = tmp_path_factory.mktemp("models")
    vocabulary = tiny.unigram(folder / "unigram", tiny.WORDS)
    writer = tiny.model_folder(folder / "writer", vocabulary, family="t5")
    return {"writer": str(writer), "reader": str(tiny.reader(folder / "reader"))}


@pytest.fixture
def spring(tmp_path: Path) -> Path:
    """The text of the examples in a file."""
    file = tmp_path / "spring.txt"
    file.write_text(tiny.example_text(), encoding="utf-8")
    return file
