"""Token stores in memory, and tiny vocabularies with the layouts of BERT and T5."""

import json
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import tiny
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class MemoryStore:
    tokens: np.ndarray
    documents: np.ndarray
    sentences: np.ndarray
    fingerprint: str


def _store(documents: Sequence[Sequence[Sequence[int]]], fingerprint: str = "a") -> MemoryStore:
    sentences = [np.array(each, np.uint16) for document in documents for each in document]
    sizes = [sum(len(sentence) for sentence in document) for document in documents]
    return MemoryStore(
        np.concatenate([*sentences, np.empty(0, np.uint16)]),
        np.cumsum([0, *sizes]).astype(np.int64),
        np.cumsum([0, *(len(sentence) for sentence in sentences)]).astype(np.int64),
        fingerprint,
    )


@pytest.fixture(scope="session")
def make_store() -> Callable[..., MemoryStore]:
    """Return a function from documents, lists of sentences of ids, to a store."""
    return _store


@pytest.fixture(scope="session")
def t5() -> Vocabulary:
    """A small Unigram vocabulary with 100 sentinels."""
    return tiny.example_unigram()


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """WordPiece: 5 special tokens, 36 that begin a word (5 to 40) and 36 that go on (41 to 76)."""
    letters = string.ascii_lowercase + string.digits
    return tiny.wordpiece(tmp_path_factory.mktemp("objectives"), letters=letters)


@pytest.fixture
def bare(tmp_path: Path) -> Callable[[Sequence[str]], Vocabulary]:
    """Return a function from tokens to a WordPiece vocabulary of no more than those."""

    def make(tokens: Sequence[str]) -> Vocabulary:
        model = {
            "type": "WordPiece",
            "vocab": {token: id for id, token in enumerate(tokens)},
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
        }
        (tmp_path / "tokenizer.json").write_text(json.dumps({"model": model}), encoding="utf-8")
        return load_vocabulary(tmp_path)

    return make
