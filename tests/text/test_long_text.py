"""A text encoded chunk by chunk has the tokens of the whole text, in every family."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tiny
from headwater.text import long_text
from headwater.text.loading import load_vocabulary
from headwater.text.long_text import encode_long
from headwater.text.vocabulary import Encoding, Vocabulary

WORDS = ["the", "old", "mill", "river", "Dr.", "it's", "1843", "é", "日本", "🙂", "x" * 9, "[SEP]"]
GAPS = [" ", " ", " ", " ", "  ", "\n", "\n\n", ", ", ". ", "", "\t", "\u00a0"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,'é"
TEXT = " ".join(word for word in WORDS if word.isascii())

NORMALIZERS: dict[str, Any] = {
    "prepended": {
        "type": "Sequence",
        "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        ],
    },
    "stripped": {"type": "Strip", "strip_left": True, "strip_right": True},
    "plain": None,
}
SPLITTERS: dict[str, Any] = {
    "bytes": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
              "use_regex": True},
    "metaspace": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first",
                  "split": True},
    "nothing": None,
}  # fmt: skip


def described(folder: Path, normalizer: str, splitter: str) -> Vocabulary:
    """A BPE of single characters and of a few pairs, as a tokenizer.json."""
    tokenizers = pytest.importorskip("tokenizers")
    alphabet = {*tokenizers.pre_tokenizers.ByteLevel.alphabet(), *LETTERS, "▁", " ", "日", "🙂"}
    merges = [["t", "h"], ["th", "e"], ["▁", "the"], ["Ġ", "the"], ["x", "x"], ["xx", "xx"]]
    names = ["<unk>", *sorted(alphabet), *("".join(pair) for pair in merges)]
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": NORMALIZERS[normalizer],
        "pre_tokenizer": SPLITTERS[splitter],
        "post_processor": None,
        "decoder": None,
        "model": {"type": "BPE", "unk_token": "<unk>", "merges": merges,
                  "vocab": {name: id for id, name in enumerate(dict.fromkeys(names))}},
    }  # fmt: skip
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    return load_vocabulary(folder)


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Vocabulary]:
    folder = tmp_path_factory.mktemp("families")
    tiny.wordpiece(folder / "wordpiece", WORDS[:4], LETTERS)
    found = {
        "wordpiece": load_vocabulary(folder / "wordpiece"),
        "unigram": tiny.unigram(folder / "unigram", WORDS[:4], LETTERS),
    }
    for normalizer in NORMALIZERS:
        for splitter in SPLITTERS:
            name = f"{normalizer}-{splitter}"
            found[name] = described(folder / name, normalizer, splitter)
    return found


def joined(parts: list[Encoding]) -> Encoding:
    return Encoding(
        np.concatenate([each.ids for each in parts]),
        np.concatenate([each.starts for each in parts]),
        np.concatenate([each.ends for each in parts]),
    )


def same(one: Encoding, other: Encoding) -> bool:
    return (
        np.array_equal(one.ids, other.ids)
        and np.array_equal(one.starts, other.starts)
        and np.array_equal(one.ends, other.ends)
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), max_size=200))
def test_chunks_have_the_tokens_of_the_whole(
    families: dict[str, Vocabulary], words: list[tuple[str, str]]
) -> None:
    text = "".join(word + gap for word, gap in words)
    for name, vocabulary in families.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(long_text, "CHUNK", 120)
            parts = list(encode_long(vocabulary, text))
        assert same(joined(parts), vocabulary.encode(text)), name


def test_a_long_text_comes_in_many_chunks(families: dict[str, Vocabulary]) -> None:
    text = "the old mill by the river is 1843 . " * 4000
    for name, vocabulary in families.items():
        parts = list(encode_long(vocabulary, text))
        assert len(parts) > 5, name
        assert same(joined(parts), vocabulary.encode(text)), name


def test_a_word_without_end_is_one_chunk(families: dict[str, Vocabulary]) -> None:
    text = "the " + "x" * 100_000 + " mill " * 40_000
    vocabulary = families["wordpiece"]  # to which the word is one unknown token
    parts = list(encode_long(vocabulary, text))
    assert len(parts) > 1
    assert same(joined(parts), vocabulary.encode(text))


@pytest.mark.parametrize("name", ["bert-base-uncased", "gpt2", "t5", "t5/spiece.model"])
def test_a_book_has_the_same_tokens(name: str, shared: Path, tmp_path: Path) -> None:
    book = shared / "data/text/books_public_domain/books-03-of-17.jsonl.gz"
    with gzip.open(book, "rt", encoding="utf-8") as lines:
        text = "\n\n".join(json.loads(next(lines))["text"] for _ in range(80))[:300_000]
    folder = shared / "data/tokenizers" / name
    if not folder.is_dir():
        shutil.copy(folder, tmp_path)
        folder = tmp_path
    vocabulary = load_vocabulary(folder)
    parts = list(encode_long(vocabulary, text))
    assert len(parts) > 10
    assert same(joined(parts), vocabulary.encode(text))
