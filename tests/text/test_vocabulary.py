"""What every family has in common: broken files, saving, threads, batches."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import UserError
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

LINES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "##s"]
WORDS = "\n".join(LINES)
BPE = json.dumps({"a": 0, "b": 1, "ab": 2, "Ġ": 3})
UNIGRAM: dict[str, object] = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]]}
FAMILIES = ["bert-base-uncased", "gpt2", "t5", "t5/tokenizer.json"]


@pytest.fixture(params=FAMILIES)
def vocabulary(request: pytest.FixtureRequest, shared: Path) -> Vocabulary:
    return load_vocabulary(shared / "data/tokenizers" / request.param)


@pytest.fixture
def small(tmp_path: Path) -> Vocabulary:
    (tmp_path / "vocab.txt").write_text(WORDS)
    return load_vocabulary(tmp_path)


def _json(**model: object) -> str:
    return json.dumps({"version": "1.0", "added_tokens": [], "model": model})


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "no vocabulary here"),
        ({"vocab.txt": ""}, "vocab.txt: empty"),
        ({"vocab.txt": WORDS + "\nhello\n"}, "line 9: 'hello' stands on line 6 already"),
        ({"vocab.txt": WORDS.replace("[SEP]\n", "")}, r"the sep token \[SEP\] is missing"),
        ({"vocab.txt": WORDS.replace("hello", "")}, "line 6: empty"),
        ({"vocab.txt": b"\xff\xfe"}, "line 1: not UTF-8"),
        ({"vocab.txt": "a\0b"}, "NUL"),
        ({"vocab.txt": WORDS, "tokenizer_config.json": "[]"}, "an object was expected"),
        ({"vocab.txt": WORDS, "tokenizer_config.json": "{"}, "broken JSON"),
        ({"vocab.txt": WORDS, "tokenizer_config.json": '{"do_lower_case": "no"}'}, "true or false"),
        ({"vocab.txt": WORDS, "special_tokens_map.json": '{"cls_token": 3}'}, "cls_token"),
        (
            {"vocab.txt": WORDS, "special_tokens_map.json": '{"eos_token": "<e>"}'},
            "eos token '<e>'",
        ),
        ({"tokenizer.json": "{"}, "line 1, column 2: broken JSON"),
        ({"tokenizer.json": "[]"}, "not a tokenizer.json"),
        ({"tokenizer.json": _json(type="Words", vocab={"a": 0})}, "'Words' is not known"),
        ({"tokenizer.json": _json(type={}, vocab={"a": 0})}, "is not known"),
        ({"tokenizer.json": _json(type="WordPiece", vocab=3)}, "must be a dict"),
        ({"tokenizer.json": _json(type="BPE", vocab={"a": "x"}, merges=[])}, "not a usable"),
        ({"tokenizer.json": _json(type="BPE", vocab={"a": 0}, merges=["a b"])}, "not a usable"),
        ({"tokenizer.json": _json(**{**UNIGRAM, "unk_id": None})}, "no unk_id"),
        ({"tokenizer.json": _json(**{**UNIGRAM, "unk_id": 7})}, "not a usable"),
        (
            {"tokenizer.json": _json(type="WordPiece", vocab={"a": 0}, unk_token="u")},
            "unk_token 'u'",
        ),
        ({"vocab.json": BPE}, "merges.txt: no such file"),
        ({"vocab.json": "[]", "merges.txt": ""}, "an object from token to id"),
        ({"vocab.json": '{"a": 0, "b": 0}', "merges.txt": ""}, "'b' and 'a' share the id 0"),
        ({"vocab.json": '{"a": -1}', "merges.txt": ""}, "whole number from 0"),
        (
            {"vocab.json": BPE, "merges.txt": "#version: 0.2\na\n"},
            "merges.txt, line 2: expected two",
        ),
        ({"vocab.json": BPE, "merges.txt": "a c\n"}, "line 1: 'c' is not in vocab.json"),
        ({"spiece.model": b""}, "not a whole SentencePiece model"),
        ({"spiece.model": b"\x0a\x05hello" * 50}, "not a "),
        ({"spiece.model": b"x", "tokenizer_config.json": '{"extra_ids": -1}'}, "extra_ids"),
    ],
)
def test_a_broken_folder_is_one_clear_line(
    tmp_path: Path, files: dict[str, str | bytes], expected: str
) -> None:
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=expected) as caught:
        load_vocabulary(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_half_copied_spiece_model_is_refused(shared: Path, tmp_path: Path) -> None:
    whole = (shared / "data/tokenizers/t5/spiece.model").read_bytes()
    for size in (100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "spiece.model").write_bytes(whole[:size])
        with pytest.raises(UserError, match="not a whole SentencePiece model"):
            load_vocabulary(tmp_path)


def test_a_file_that_is_no_vocabulary_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"x")
    with pytest.raises(UserError, match="not a vocabulary file"):
        load_vocabulary(tmp_path / "weights.bin")
    with pytest.raises(UserError, match="no such file"):
        load_vocabulary(tmp_path / "missing")


def test_lookups_name_what_is_nearest(small: Vocabulary) -> None:
    assert small.token(small.id_of("hello")) == "hello"
    with pytest.raises(UserError, match=r"'helo'.* nearest is 'hello'"):
        small.id_of("helo")
    for id in (-1, 8):
        with pytest.raises(UserError, match=f"id {id}"):
            small.token(id)
    with pytest.raises(UserError, match="no <extra_id_0>"):
        small.sentinel(0)


def test_half_a_character_is_refused(vocabulary: Vocabulary) -> None:
    with pytest.raises(UserError, match="position 2"):
        vocabulary.encode("ab\ud83d")
    with pytest.raises(UserError, match="position 0"):
        vocabulary.encode_batch(["fine", "\udc4d"])


def test_nothing_gives_nothing(vocabulary: Vocabulary) -> None:
    encoding = vocabulary.encode("")
    assert len(encoding) == 0
    assert encoding.ids.dtype == encoding.starts.dtype == encoding.ends.dtype == np.int32
    assert vocabulary.encode_batch([]) == []
    assert vocabulary.decode([]) == ""


@pytest.mark.parametrize("skip_special", [True, False])
def test_ids_beyond_the_tokens_add_no_text(vocabulary: Vocabulary, skip_special: bool) -> None:
    """A T5 has 28 more rows than tokens, and may draw one of them."""
    ids = vocabulary.encode("a mill").ids.tolist()
    text = vocabulary.decode(ids, skip_special)
    beyond = [vocabulary.size, *ids, vocabulary.size + 27]
    assert vocabulary.decode(beyond, skip_special) == text != ""


def test_saved_and_loaded_is_the_same(
    vocabulary: Vocabulary, tmp_path: Path, real_lines: list[str]
) -> None:
    vocabulary.save(tmp_path / "saved")
    again = load_vocabulary(tmp_path / "saved")
    assert again.fingerprint == vocabulary.fingerprint
    assert again.size == vocabulary.size
    for role in ("pad_id", "unk_id", "eos_id", "cls_id", "sep_id", "mask_id"):
        assert getattr(again, role) == getattr(vocabulary, role)
    for line in real_lines[::400]:
        assert again.encode(line).ids.tolist() == vocabulary.encode(line).ids.tolist()


def test_the_fingerprint_knows_a_changed_vocabulary(small: Vocabulary, tmp_path: Path) -> None:
    found = {small.fingerprint}
    for text, config in ((WORDS, {"do_lower_case": False}), (WORDS + "\nmore", {})):
        (tmp_path / "vocab.txt").write_text(text)
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
        found.add(load_vocabulary(tmp_path).fingerprint)
    assert len(found) == 3


def test_a_batch_and_many_threads_give_what_one_call_gives(
    vocabulary: Vocabulary, real_lines: list[str]
) -> None:
    lines = real_lines[::100]
    expected = [vocabulary.encode(line) for line in lines]
    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(vocabulary.encode, lines * 4))
    for found in (vocabulary.encode_batch(lines), threaded):
        for index, encoding in enumerate(found):
            one = expected[index % len(lines)]
            assert encoding.ids.tolist() == one.ids.tolist()
            assert encoding.starts.tolist() == one.starts.tolist()
            assert encoding.ends.tolist() == one.ends.tolist()
