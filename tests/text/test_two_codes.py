"""Where Google's tokenizers and those of `transformers` differ, ours are the latter's."""

from pathlib import Path

import pytest

from headwater.text.loading import load_vocabulary


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a\ue000b", ["ab"]),  # a private-use character; Google keeps it, and finds no such word
        ("a\U000f0000b", ["ab"]),
        ("see [SEP] here", ["see", "[SEP]", "here"]),  # Google: [, sep, ]
        ("[MASK]", ["[MASK]"]),
        ("[sep]", ["[", "sep", "]"]),
    ],
)
def test_wordpiece(shared: Path, text: str, tokens: list[str]) -> None:
    transformers = pytest.importorskip("transformers")
    folder = shared / "data/tokenizers/bert-base-uncased"
    theirs = transformers.BertTokenizer(str(folder / "vocab.txt"))
    vocabulary = load_vocabulary(folder)
    ids = vocabulary.encode(text).ids.tolist()
    assert [vocabulary.token(id) for id in ids] == tokens
    assert theirs.encode(text, add_special_tokens=False) == ids


@pytest.mark.parametrize("text", ["see </s> here", "<extra_id_0> x"])
def test_t5(shared: Path, text: str) -> None:
    transformers = pytest.importorskip("transformers")
    folder = shared / "data/tokenizers/t5"
    ids = load_vocabulary(folder).encode(text).ids.tolist()
    theirs = transformers.AutoTokenizer.from_pretrained(str(folder))
    assert theirs.encode(text, add_special_tokens=False) == ids
    assert {1, 32099} & {*ids}
