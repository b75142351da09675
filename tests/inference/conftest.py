"""A small vocabulary and a network that finds the tokens it is given."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import tiny
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,?!-"
_PLAIN = "who won what is the it was bob eve zed left here and there a in of old red"
WORDS = _PLAIN.split()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def wordpiece_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wordpiece")
    tiny.wordpiece(folder, WORDS, LETTERS)
    return folder


@pytest.fixture(scope="session")
def words(wordpiece_folder: Path) -> Vocabulary:
    return load_vocabulary(wordpiece_folder)


class Finder(nn.Module):
    """Scores each token by its id as a start and as an end; the first position by `null`.

    Counts the rows and the most cells of a batch that it was given.
    """

    def __init__(self, scores: dict[int, float], null: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.scores, self.null = scores, null
        self.rows = self.most_cells = 0
        self.modes: set[bool] = set()

    def forward(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        ids = batch["input_ids"]
        self.rows += len(ids)
        self.most_cells = max(self.most_cells, ids.numel())
        self.modes.add(self.training)
        logits = torch.full(ids.shape, -10.0)
        for token, score in self.scores.items():
            logits[ids == token] = score
        logits[:, 0] = self.null
        return logits, logits.clone()


@pytest.fixture(scope="session")
def finder_type() -> type[Finder]:
    return Finder


@pytest.fixture(scope="session")
def t5_words(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """A small vocabulary with an end-of-sequence token."""
    return tiny.unigram(tmp_path_factory.mktemp("unigram"), WORDS, LETTERS)
