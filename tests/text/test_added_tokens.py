"""Added tokens: whatever file defines the vocabulary, the ids are those of `transformers`."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from headwater.errors import UserError
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary
from tiny import byte_pairs, unigram, wordpiece

T5_ADDED = {"{": 32_100, "}": 32_101, "<": 32_102}
T5_TEXTS = ["a { b", "a{b}", "{ } <", " x <extra_id_0> {y", "", " ", "{", "the <b> { é"]
BERT_ADDED = {"covid19": 30_522, "[E1]": 30_523}
GPT2_ADDED = {"<speaker>": 50_257, "<pad>": 50_258}

Copy = Callable[..., Path]


@pytest.fixture
def copy(shared: Path, tmp_path: Path) -> Copy:
    """Copies files of a published tokenizer, and writes JSON files beside them."""

    def copy(*files: str, **beside: Any) -> Path:
        folder = tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        for file in files:
            shutil.copy(shared / "data/tokenizers" / file, folder)
        return write(folder, **beside)

    return copy


def write(folder: Path, **files: Any) -> Path:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def spelled(vocabulary: Vocabulary, text: str) -> list[str]:
    return [vocabulary.token(int(id)) for id in vocabulary.encode(text).ids]


def reference_ids(folder: Path, texts: list[str]) -> list[list[int]]:
    found: list[list[int]] = AutoTokenizer.from_pretrained(folder)(texts, add_special_tokens=False)[
        "input_ids"
    ]
    return found


def same_ids(folder: Path, texts: list[str]) -> Vocabulary:
    """Load a vocabulary that must give the reference's ids, and give them again once saved."""
    vocabulary = load_vocabulary(folder)
    expected = reference_ids(folder, texts)
    assert [vocabulary.encode(text).ids.tolist() for text in texts] == expected
    vocabulary.save(folder / "saved")
    again = load_vocabulary(folder / "saved")
    assert [again.encode(text).ids.tolist() for text in texts] == expected
    assert (again.size, again.fingerprint) == (vocabulary.size, vocabulary.fingerprint)
    assert reference_ids(folder / "saved", texts) == expected
    return vocabulary


@pytest.mark.parametrize("beside", [(), ("t5/tokenizer.json",)])
def test_t5_with_added_tokens(copy: Copy, beside: tuple[str, ...]) -> None:
    files = {"config": {"model_type": "t5"}, "added_tokens": T5_ADDED}
    vocabulary = same_ids(copy("t5/spiece.model", *beside, **files), T5_TEXTS)
    assert spelled(vocabulary, "a { b") == ["▁", "a", "{", "▁", "b"]
    assert vocabulary.size == 32_103
    encoding = vocabulary.encode("a { b")
    assert (encoding.starts[2], encoding.ends[2]) == (2, 3)
    assert vocabulary.decode([*encoding.ids.tolist(), 1]) == "a{ b"


def test_a_line_feed_of_t5_is_one_token_and_spaces_are_spaces(copy: Copy, tmp_path: Path) -> None:
    """`transformers` 5.23 normalizes the added line feed to a space, and every space becomes it."""
    added = {**T5_ADDED, "\n": 32_103}
    folder = copy("t5/spiece.model", "t5/tokenizer.json", added_tokens=added)
    for file in (folder, folder / "tokenizer.json"):
        vocabulary = load_vocabulary(file)
        found = vocabulary.encode("a { b\nc").ids
        assert [id for id in found if id >= 32_000] == [32_100, 32_103]
        assert 32_103 not in vocabulary.encode("The cat sat on { a mat.").ids


def test_what_tokenizer_json_alone_adds_is_read_beside_a_spiece_model(copy: Copy) -> None:
    folder = copy("t5/spiece.model", "t5/tokenizer.json")
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    content["added_tokens"].append({"id": 32_100, "content": "{", **flags})
    write(folder, tokenizer=content)
    vocabulary = load_vocabulary(folder)
    assert (vocabulary.size, spelled(vocabulary, "a{")) == (32_101, ["▁", "a", "{"])
    content["model"]["vocab"][100][0] = "otherone"
    write(folder, tokenizer=content)
    with pytest.raises(UserError, match=r"tokenizer\.json: 'otherone' has the id 100, and none in"):
        load_vocabulary(folder)


@pytest.mark.parametrize("special", [False, True])
def test_bert_with_added_tokens(copy: Copy, special: bool) -> None:
    """What is special is matched as it is written, else in the normalized text, as in v5."""
    stated = {"special_tokens_map": {"additional_special_tokens": ["[E1]"]}} if special else {}
    config = {"model_type": "bert"}
    folder = copy("bert-base-uncased/vocab.txt", config=config, added_tokens=BERT_ADDED, **stated)
    texts = ["covid19 [E1]", "COVID19 covid19x Covid-19 [E1]x", "an unaffable man"]
    vocabulary = same_ids(folder, texts)
    assert vocabulary.size == 30_524
    assert vocabulary.encode("covid19 [E1]").ids.tolist() == [30_522, 30_523]
    shown = vocabulary.decode([30_522, 30_523])
    assert shown == ("covid19" if special else "covid19 [e1]")  # as `tokenizers` writes it


def test_special_added_tokens_keep_their_case(copy: Copy) -> None:
    flags = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False}
    decoder = {
        str(id): {"content": token, "special": id > 30_522, **flags}
        for token, id in BERT_ADDED.items()
    }
    config = {"tokenizer_class": "BertTokenizer", "added_tokens_decoder": decoder}
    folder = copy("bert-base-uncased/vocab.txt", tokenizer_config=config)
    vocabulary = same_ids(folder, ["covid19 COVID19 [E1] [e1]"])
    assert spelled(vocabulary, "[E1] [e1]")[:3] == ["[E1]", "[", "e"]


def test_gpt2_with_added_tokens(copy: Copy) -> None:
    files = ("gpt2/vocab.json", "gpt2/merges.txt")
    config = {"model_type": "gpt2"}
    folder = copy(*files, config=config, added_tokens=GPT2_ADDED)
    vocabulary = same_ids(folder, ["a <speaker> b<pad>", "x<|endoftext|>y"])
    assert vocabulary.size == 50_259
    (folder / "added_tokens.json").unlink()
    write(folder, special_tokens_map={"additional_special_tokens": ["<speaker>", "<x>"]})
    vocabulary = same_ids(folder, ["a <speaker> b<x>"])
    assert vocabulary.ids["<x>"] == 50_258
    assert vocabulary.decode([64, 50_258]) == "a"


STRIPPING = {"__type": "AddedToken", "content": "<e>", "lstrip": True, "normalized": False}


@pytest.mark.parametrize("listed", [["<e>"], [STRIPPING], {"e": "<e>"}])
def test_extra_special_tokens(tmp_path: Path, listed: Any) -> None:
    wordpiece(tmp_path, ["a", "b"])
    config = {"tokenizer_class": "BertTokenizer", "extra_special_tokens": listed}
    vocabulary = same_ids(write(tmp_path, tokenizer_config=config), ["a <e>b", "a<e> [MASK]"])
    assert vocabulary.ids["<e>"] == 7
    assert vocabulary.decode([5, 7, 6]) == "a b"


def test_flags_are_followed(tmp_path: Path) -> None:
    byte_pairs(tmp_path, "Ġ a")
    stated: list[dict[str, Any]] = [{"single_word": True}, {"lstrip": True}, {"rstrip": True}]
    decoder = {
        str(262 + n): {"content": f"<{n}>", "special": False, "normalized": False, **flags}
        for n, flags in enumerate(stated)
    }
    config = {"tokenizer_class": "RobertaTokenizer", "added_tokens_decoder": decoder}
    write(tmp_path, tokenizer_config=config)
    same_ids(tmp_path, ["x <0> y<0>y <0>", "x <1> <1> y", "x  <2>  y <2>", " <1><2> "])


def test_flags_are_followed_beside_sentencepiece(copy: Copy) -> None:
    flags = {"normalized": False, "special": False}
    decoder = {
        "32100": {"content": "gox", "single_word": True, **flags},
        "32101": {"content": "{", "lstrip": True, "rstrip": True, **flags},
        "32102": {"content": "{{", **flags},
    }
    config = {"tokenizer_class": "T5Tokenizer", "added_tokens_decoder": decoder}
    texts = ["gox on", "goxe gox.", "x { { y", "{{ {{{ x", " {  { "]
    vocabulary = same_ids(copy("t5/spiece.model", tokenizer_config=config), texts)
    encoding = vocabulary.encode("x  {  y")
    assert list(zip(encoding.starts, encoding.ends, strict=True))[1:4] == [(0, 1), (3, 4), (6, 6)]


def test_marks_belong_to_the_word_beside_sentencepiece(copy: Copy) -> None:
    flags = {"normalized": False, "special": False}
    decoder = {
        "32100": {"content": "कम", "single_word": True, **flags},
        "32101": {"content": "gox", "single_word": True, **flags},
        "32102": {"content": "oxen", **flags},
    }
    config = {"tokenizer_class": "T5Tokenizer", "added_tokens_decoder": decoder}
    texts = ["कम है", "कमी", "कम्प", "gox\u0301 gox", "e\u0301gox", "gox\u200dx gox", "goxen", "gox_"]
    vocabulary = same_ids(copy("t5/spiece.model", tokenizer_config=config), texts)
    assert 32100 in vocabulary.encode("कम है").ids
    assert 32100 not in vocabulary.encode("कमी").ids


ONE = {"content": "x", "special": True}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"added_tokens": {"x": 7, "y": 7}}, "added_tokens.json: 'y' has the id 7, and so has 'x'"),
        ({"added_tokens": {"x": 6}}, "added_tokens.json: 'x' has the id 6, which .* gives to 'b'"),
        ({"added_tokens": {"a": 7}}, "'a' has the id 7, and 5 in the vocabulary"),
        ({"added_tokens": {"x": 9}}, "'x' has the id 9, and the vocabulary ends at 6"),
        ({"added_tokens": {"x": 7, "y": 9}}, "'y' has the id 9, and the vocabulary ends at 7"),
        ({"added_tokens": []}, "added_tokens.json: an object from token to id"),
        ({"added_tokens": {"x": "7"}}, "the id of 'x' must be a whole number"),
        (
            {"added_tokens": {"x": 8}, "tokenizer_config": {"added_tokens_decoder": {"7": ONE}}},
            "added_tokens.json: 'x' has the id 8, and 7 in tokenizer_config.json",
        ),
        ({"tokenizer_config": {"added_tokens_decoder": [ONE]}}, "an object from id to token"),
        ({"tokenizer_config": {"added_tokens_decoder": {"z": ONE}}}, "must be a whole number"),
        ({"tokenizer_config": {"added_tokens_decoder": {"7": 1}}}, "an object with a content"),
        (
            {"tokenizer_config": {"added_tokens_decoder": {"7": {**ONE, "lstrip": 1}}}},
            "the flags of 'x' must be true or false",
        ),
        ({"special_tokens_map": {"additional_special_tokens": "x"}}, "must be a list of tokens"),
    ],
)
@pytest.mark.parametrize("main", ["vocab.txt", "tokenizer.json"])
def test_contradictions_are_refused(
    tmp_path: Path, files: dict[str, Any], expected: str, main: str
) -> None:
    vocabulary = wordpiece(tmp_path, ["a", "b"])
    if main == "tokenizer.json":
        vocabulary.save(tmp_path)
    with pytest.raises(UserError, match=expected):
        load_vocabulary(write(tmp_path, **files))


def test_a_tokenizer_json_with_a_gap_is_refused(tmp_path: Path) -> None:
    """`tokenizers` would give the next free id, whatever the file says."""
    unigram(tmp_path, ["the"])
    content = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    size = len(content["model"]["vocab"])
    content["added_tokens"].append({**content["added_tokens"][0], "id": size + 3, "content": "{"})
    with pytest.raises(UserError, match=rf"'{{' has the id {size + 3}, and only {size} is free"):
        load_vocabulary(write(tmp_path, tokenizer=content))


def test_roles_beside_a_spiece_model_are_those_of_the_settings(copy: Copy) -> None:
    """As in the Japanese models whose `T5Tokenizer` has `[CLS]`, `[SEP]` and `[MASK]`."""
    roles = {"mask_token": "<m>", "cls_token": "▁the", "eos_token": "</s>", "pad_token": "<p>"}
    files = {"tokenizer_config": {"tokenizer_class": "T5Tokenizer", **roles}}
    folder = copy("t5/spiece.model", added_tokens={"<m>": 32_100, "<p>": 32_101}, **files)
    vocabulary = same_ids(folder, ["a<m>b <p></s>", "<pad> b"])
    assert (vocabulary.mask_id, vocabulary.pad_id, vocabulary.eos_id) == (32_100, 32_101, 1)
    assert vocabulary.token(vocabulary.cls_id or -1) == "▁the"
    again = load_vocabulary(folder / "saved")
    assert (again.mask_id, again.pad_id, again.unk_id) == (32_100, 32_101, 2)
    assert vocabulary.decode([9, 32_100, 32_101, 1]) == "a"
