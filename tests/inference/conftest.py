"""A small vocabulary and a network that finds what it is told to find."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

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
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    tokens += [letter for letter in LETTERS if letter not in WORDS]
    tokens += [f"##{letter}" for letter in LETTERS]
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n")
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
    folder = tmp_path_factory.mktemp("unigram")
    tokens = [["<pad>", 0.0], ["</s>", 0.0], ["<unk>", -20.0], ["▁", -3.0]]
    tokens += [[f"▁{word}", -4.0] for word in WORDS if len(word) > 1]
    tokens += [[letter, -6.0] for letter in LETTERS]
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    special = [{"id": n, "content": tokens[n][0], "special": True} | flags for n in range(3)]
    content = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": None, "post_processor": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
                          "split": True},
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
                    "split": True},
        "model": {"type": "Unigram", "unk_id": 2, "vocab": tokens, "byte_fallback": False},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(content))
    settings = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return load_vocabulary(folder)
