"""Tiny vocabularies with the layouts of BERT and RoBERTa."""

import string

import pytest

import tiny
from headwater.text.vocabulary import Vocabulary

WORDS = ("rhine", "river", "the", "##ing", "north", "flow")


@pytest.fixture(scope="session")
def bert_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """WordPiece with ASCII letters and a few words; anything else is [UNK]."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    return tiny.wordpiece(tmp_path_factory.mktemp("bert"), WORDS, letters)


@pytest.fixture(scope="session")
def roberta_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """Bytes as tokens, so that one emoji is four of them."""
    return tiny.byte_pairs(tmp_path_factory.mktemp("roberta"), "Ġ t", "Ġt h")


@pytest.fixture(scope="session", params=["bert", "roberta"])
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    """Each of the two in turn."""
    found: Vocabulary = request.getfixturevalue(f"{request.param}_vocabulary")
    return found
