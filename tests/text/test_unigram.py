"""T5's ids equal the published ones, and where two references disagree the tests say why.

`spiece.model` read by sentencepiece's own library is what T5 was trained with. The two references
read the folder's tokenizer.json in Rust: the plain file, and `T5Tokenizer`, which splits at every
Unicode white space first. Each of them differs from sentencepiece on one of the 20,000 lines.
"""

import io
import json
import logging
import math
from pathlib import Path

import numpy as np
import pytest
from sentencepiece import SentencePieceTrainer
from tokenizers import Tokenizer
from transformers import T5Tokenizer

from headwater.errors import UserError
from headwater.text.loading import load_vocabulary
from headwater.text.unigram import SentencePieceVocabulary
from headwater.text.vocabulary import Vocabulary

ODD = "a <extra_id_0> b<extra_id_99>c </s>x<pad> <unk> <extra_id_100> < Ｆoo½x １２３ ﬁx ﷺ"


@pytest.fixture(scope="session")
def t5_folder(shared: Path) -> Path:
    return shared / "data/tokenizers/t5"


@pytest.fixture(scope="session")
def t5(t5_folder: Path) -> Vocabulary:
    return load_vocabulary(t5_folder)


@pytest.fixture(scope="session")
def t5_json(t5_folder: Path) -> Vocabulary:
    return load_vocabulary(t5_folder / "tokenizer.json")


@pytest.fixture(scope="session")
def t5_lines(t5: Vocabulary, real_lines: list[str]) -> list[list[int]]:
    return [encoding.ids.tolist() for encoding in t5.encode_batch(real_lines)]


class PublishedUnigram:
    """The likeliest cut (Kudo 2018) in float32, as sentencepiece sums it from left to right."""

    def __init__(self, folder: Path) -> None:
        vocab = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"][
            "vocab"
        ]
        plain = [(token, score, id) for id, (token, score) in enumerate(vocab) if 3 <= id < 32_000]
        self.scores = {token: (np.float32(score), id) for token, score, id in plain}
        self.longest = max(len(token) for token in self.scores)
        self.unknown = np.float32(min(score for _, score, _ in plain)) - np.float32(10)

    def encode(self, normalized: str) -> list[int]:
        size = len(normalized)
        best = [(np.float32(-math.inf), 0, -1)] * (size + 1)
        best[0] = (np.float32(0), 0, -1)
        for start in range(size):
            known = False
            for end in range(start + 1, min(size, start + self.longest) + 1):
                score, id = self.scores.get(normalized[start:end], (None, -1))
                if score is None:
                    continue
                known = known or end == start + 1
                if best[start][0] + score > best[end][0]:
                    best[end] = (best[start][0] + score, start, id)
            if not known and best[start][0] + self.unknown > best[start + 1][0]:
                best[start + 1] = (best[start][0] + self.unknown, start, 2)
        ids, index = [], size
        while index:
            _, index, id = best[index]
            ids.append(id)
        path = ids[::-1]  # unknown characters in a row are one unknown token
        return [id for i, id in enumerate(path) if i == 0 or not id == path[i - 1] == 2]


def test_ids_equal_the_rust_reference_but_for_a_tie(
    t5_folder: Path, t5_lines: list[list[int]], real_lines: list[str]
) -> None:
    """`----` is `-` `---` or `---` `-`: the sums are equal but for rounding."""
    reference = Tokenizer.from_file(str(t5_folder / "tokenizer.json"))
    expected = [e.ids for e in reference.encode_batch(real_lines, add_special_tokens=False)]
    differing = [i for i, ids in enumerate(t5_lines) if ids != expected[i]]
    assert len(differing) <= 1
    for i in differing:
        assert sorted(t5_lines[i]) == sorted(expected[i])
        assert "----" in real_lines[i]


def test_ids_equal_transformers_but_for_a_control_character(
    t5_folder: Path, t5_lines: list[list[int]], real_lines: list[str]
) -> None:
    """U+0085 is white space to `T5Tokenizer` and an unknown character to sentencepiece."""
    reference = T5Tokenizer.from_pretrained(t5_folder, model_max_length=10**9)
    expected = reference(real_lines, add_special_tokens=False)["input_ids"]
    differing = [i for i, ids in enumerate(t5_lines) if ids != expected[i]]
    assert len(differing) <= 1
    assert all("\x85" in real_lines[i] for i in differing)


def test_ids_equal_the_published_algorithm(
    t5_folder: Path, t5: Vocabulary, t5_lines: list[list[int]], real_lines: list[str]
) -> None:
    """Both lines on which a reference differs are among these."""
    assert isinstance(t5, SentencePieceVocabulary)
    reference = PublishedUnigram(t5_folder)
    lines = set(range(0, 20_000, 200))
    lines |= {i for i, line in enumerate(real_lines) if "----" in line or "\x85" in line}
    assert len(lines) > 110
    for i in lines:
        assert reference.encode(t5.normalize(real_lines[i])) == t5_lines[i], real_lines[i]


def test_tokenizer_json_gives_the_rust_ids(
    t5_folder: Path, t5_json: Vocabulary, real_lines: list[str]
) -> None:
    reference = Tokenizer.from_file(str(t5_folder / "tokenizer.json"))
    lines = [*real_lines[::10], ODD]
    for line, encoding in zip(lines, t5_json.encode_batch(lines), strict=True):
        assert encoding.ids.tolist() == reference.encode(line, add_special_tokens=False).ids
    assert (t5_json.pad_id, t5_json.eos_id, t5_json.unk_id) == (0, 1, 2)
    assert t5_json.sentinel(1) == 32_098


def test_sentinels_and_special_tokens(t5: Vocabulary, t5_folder: Path) -> None:
    reference = T5Tokenizer.from_pretrained(t5_folder)
    assert [t5.sentinel(n) for n in (0, 1, 99)] == [32_099, 32_098, 32_000]
    assert (t5.size, t5.pad_id, t5.eos_id, t5.unk_id) == (32_100, 0, 1, 2)
    for text in (ODD, "<extra_id_5>", " <extra_id_5> ", "<pad></s>", "", "  ", "\n"):
        assert (
            t5.encode(text).ids.tolist() == reference(text, add_special_tokens=False)["input_ids"]
        )
    encoding = t5.encode(ODD)
    spans = zip(encoding.ids, encoding.starts, encoding.ends, strict=True)
    found = [ODD[start:end] for id, start, end in spans if id >= 32_000]
    assert found == ["<extra_id_0>", "<extra_id_99>"]
    with pytest.raises(UserError, match="extra_id_100"):
        t5.sentinel(100)


def test_full_width_letters_never_become_a_special_token(t5: Vocabulary) -> None:
    """Normalized, `＜pad＞` reads `<pad>`; sentencepiece takes it for text, and so do we."""
    tokens = [t5.token(int(id)) for id in t5.encode("＜pad＞").ids]
    assert tokens == ["▁", "<unk>", "pad", ">"]


def test_decode(t5: Vocabulary, t5_folder: Path, real_lines: list[str]) -> None:
    reference = T5Tokenizer.from_pretrained(t5_folder)
    for text in [*real_lines[::200], ODD]:
        ids = [*t5.encode(text).ids.tolist(), 1]
        for skip in (True, False):
            expected = reference.decode(
                ids, skip_special_tokens=skip, clean_up_tokenization_spaces=False
            )
            assert t5.decode(ids, skip_special=skip) == expected
    assert t5.decode(t5.encode("A  plain sentence .").ids.tolist()) == "A plain sentence ."


@pytest.mark.parametrize("kind", ["spiece.model", "tokenizer.json"])
def test_transformers_opens_what_was_saved(t5_folder: Path, tmp_path: Path, kind: str) -> None:
    vocabulary = load_vocabulary(t5_folder / kind)
    vocabulary.save(tmp_path)
    assert (tmp_path / kind).exists()
    opened = T5Tokenizer.from_pretrained(tmp_path)
    text = "Studies have shown <extra_id_0> a dog ﬁne."
    assert opened(text)["input_ids"] == [*vocabulary.encode(text).ids.tolist(), 1]
    assert len(opened) == vocabulary.size == 32_100
    again = load_vocabulary(tmp_path)
    assert again.fingerprint == vocabulary.fingerprint
    assert again.encode(text).ids.tolist() == vocabulary.encode(text).ids.tolist()


def test_number_of_sentinels_follows_the_settings(t5_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "spiece.model").write_bytes((t5_folder / "spiece.model").read_bytes())
    fingerprints = []
    for count in (0, 2):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"extra_ids": count}))
        vocabulary = load_vocabulary(tmp_path)
        assert vocabulary.size == 32_000 + count
        fingerprints.append(vocabulary.fingerprint)
    assert fingerprints[0] != fingerprints[1]
    assert vocabulary.sentinel(0) == 32_001


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({}, None),
        ({"normalization_rule_name": "nmt_nfkc_cf"}, None),
        ({"unk_id": 0, "pad_id": 3}, "its unknown token has the id 0 and not 2"),
        ({"add_dummy_prefix": False}, "keeps white space, or puts none before a text"),
        ({"remove_extra_whitespaces": False}, "keeps white space, or puts none before a text"),
        ({"normalization_rule_name": "identity"}, "keeps white space, or puts none before a text"),
        ({"treat_whitespace_as_suffix": True}, "keeps white space, or puts none before a text"),
        ({"model_type": "bpe"}, "is a BPE, or has user-defined symbols"),
        ({"user_defined_symbols": ["{x}"]}, "is a BPE, or has user-defined symbols"),
    ],
)
def test_rules_unlike_those_of_t5_are_said_when_saved(
    rules: dict[str, object], said: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = io.BytesIO()
    usual = {"vocab_size": 40, "hard_vocab_limit": False, "minloglevel": 3, "bos_id": -1}
    roles = {"pad_id": 0, "eos_id": 1, "unk_id": 2}
    lines = ["the mill is good and old", "a river is bad", "The River  was wide: {x} 12"] * 5
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, **{**usual, **roles, **rules}
    )
    (tmp_path / "spiece.model").write_bytes(model.getvalue())
    vocabulary, saved = load_vocabulary(tmp_path), tmp_path / "saved"
    with caplog.at_level(logging.WARNING):
        vocabulary.save(saved)
        vocabulary.save(saved)
    assert len(caplog.messages) == (said is not None)
    assert all(str(said) in message for message in caplog.messages)
    texts = ["the mill\n is  good", "The River {x} mills é", "  a river is bad\n"]
    opened = T5Tokenizer.from_pretrained(saved)
    ours = [each.ids.tolist() for each in vocabulary.encode_batch(texts)]
    same = ours == opened(texts, add_special_tokens=False)["input_ids"]
    assert same == (said is None)
