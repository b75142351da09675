"""A small vocabulary for every test of stores, and a build that shows nothing."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.corpus.build import build
from headwater.corpus.store import TokenStore
from headwater.progress import Display, installed
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

WORDS = [".", "?", "!", "the", "mill", "river"]


class RecordingDisplay:
    """What a build says, and the bar that it moves."""

    def __init__(self, display: Display) -> None:
        self.lines: list[str] = []
        self.positions: list[float] = []
        self.total = -1.0

    def start(self, total: float, done: float, count: str) -> None:
        self.total = total

    def move(self, done: float, count: str, rate: str, left: str, fields: str) -> None:
        self.positions.append(done)

    def close(self) -> None:
        pass


Built = Callable[..., tuple[TokenStore, RecordingDisplay]]


@pytest.fixture(scope="session")
def letters_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("letters")
    tiny.wordpiece(folder, WORDS, tiny.LETTERS)
    return folder


@pytest.fixture(scope="session")
def letters(letters_folder: Path) -> Vocabulary:
    """WordPiece of letters and three words."""
    return load_vocabulary(letters_folder)


@pytest.fixture
def built(letters: Vocabulary, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Built:
    """Build a store of inputs in the test's folder, and open it."""

    def make(
        *inputs: Path, name: str = "store", excluded: tuple[Path, ...] = (), field: str = "text"
    ) -> tuple[TokenStore, RecordingDisplay]:
        bars: list[RecordingDisplay] = []
        output = tmp_path / name
        caplog.clear()
        with (
            caplog.at_level(logging.INFO, "headwater.corpus"),
            installed(lambda display: bars.append(RecordingDisplay(display)) or bars[-1]),
        ):
            build(inputs, letters, output, field=field, excluded=excluded)
        bars[0].lines = [record.getMessage() for record in caplog.records]
        return TokenStore.open(output), bars[0]

    return make


@pytest.fixture
def call(headwater: Callable[..., Any]) -> Callable[..., tuple[int, str, str]]:
    """Call `headwater corpus ARGUMENTS`; gives the exit code, standard output and error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        ran = headwater("corpus", *arguments)
        return ran.code, ran.out, ran.err

    return run
