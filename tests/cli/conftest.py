"""A tiny model in a folder."""

from pathlib import Path

import pytest
import torch

from headwater.checkpoints.folder import save_model
from headwater.models.bert.config import BertConfig
from headwater.models.build import build_model
from headwater.text.loading import load_vocabulary

TOKENS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    ".",
    "?",
    ",",
    *"abcdefghijklmnopqrstuvwxyz",
]
TOKENS += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"]
TOKENS += [*"0123456789", "the", "mill", "river", "where", "is", "what", "who", "by"]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader of random weights that answers in milliseconds, badly."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    vocabulary = load_vocabulary(folder)
    config = BertConfig(
        vocab_size=vocabulary.size,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
    )
    torch.manual_seed(0)
    extra = {"spans": {"max_length": 96, "max_query_length": 24}, "no_answer_threshold": 0.0}
    save_model(folder / "model", build_model(config, "span"), vocabulary=vocabulary, extra=extra)
    return folder / "model"
