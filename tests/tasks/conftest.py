"""Tiny vocabularies with the layouts of BERT and RoBERTa."""

import json
import string

import pytest

from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

WORDS = ("rhine", "river", "the", "##ing", "north", "flow")


@pytest.fixture(scope="session")
def bert_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """WordPiece with ASCII letters and a few words; anything else is [UNK]."""
    file = tmp_path_factory.mktemp("bert") / "vocab.txt"
    letters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters]
    tokens += [f"##{letter}" for letter in letters]
    file.write_text("\n".join(tokens) + "\n", encoding="utf-8")
    return load_vocabulary(file)


@pytest.fixture(scope="session")
def roberta_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """Bytes as tokens, so that one emoji is four of them."""
    folder = tmp_path_factory.mktemp("roberta")
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    signs = [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(others))]
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *signs, "Ġt", "Ġth"]
    ids = {token: index for index, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\nĠ t\nĠt h\n", encoding="utf-8")
    return load_vocabulary(folder)


@pytest.fixture(scope="session", params=["bert", "roberta"])
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    """Each of the two in turn."""
    found: Vocabulary = request.getfixturevalue(f"{request.param}_vocabulary")
    return found
