"""A small vocabulary for every test of stores, and a build that shows nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.corpus.build import build
from headwater.corpus.store import TokenStore
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "!", "the", "mill", "river"]
TOKENS += [*"abcdefghijklmnopqrstuvwxyz"]
TOKENS += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]


class Told:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.positions: list[int] = []
        self.total = -1

    def start(self, total: int) -> None:
        self.total = total

    def advance(self, position: int, tokens: int) -> None:
        self.positions.append(position)

    def say(self, text: str) -> None:
        self.lines.append(text)

    def close(self) -> None:
        pass


Built = Callable[..., tuple[TokenStore, Told]]


@pytest.fixture(scope="session")
def letters_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("letters")
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def letters(letters_folder: Path) -> Vocabulary:
    """WordPiece of letters and three words."""
    return load_vocabulary(letters_folder)


@pytest.fixture
def built(letters: Vocabulary, tmp_path: Path) -> Built:
    """Build a store of inputs in the test's folder, and open it."""

    def make(
        *inputs: Path, name: str = "store", without: tuple[Path, ...] = (), field: str = "text"
    ) -> tuple[TokenStore, Told]:
        told = Told()
        output = tmp_path / name
        build(inputs, letters, output, field=field, without=without, progress=told)
        return TokenStore.open(output), told

    return make


@pytest.fixture
def call(headwater: Callable[..., Any]) -> Callable[..., tuple[int, str, str]]:
    """Call `headwater corpus ARGUMENTS`; gives the exit code, standard output and error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        ran = headwater("corpus", *arguments)
        return ran.code, ran.out, ran.err

    return run
