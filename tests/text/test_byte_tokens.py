"""ByT5's vocabulary of bytes gives the ids of its published class, and exact offsets."""

from pathlib import Path

import pytest
import transformers

from headwater.errors import UserError
from headwater.text.loading import load_vocabulary

TEXTS = [
    *("", "a", "Déjà vu — un café", "中文 🙂 \u0301x", "a\n\tb\0c", "ÿ þ"),
    *("a <extra_id_0> b<extra_id_124>", "x </s> y", "<pad><unk> z", "<extra_id_125>"),
]


def published(folder: Path) -> transformers.ByT5Tokenizer:
    tokenizer = transformers.ByT5Tokenizer()
    tokenizer.save_pretrained(folder)
    return tokenizer


def test_ids_are_those_of_the_class(tmp_path: Path, real_lines: list[str]) -> None:
    theirs = published(tmp_path)
    vocabulary = load_vocabulary(tmp_path)
    for number, text in enumerate((*TEXTS, *real_lines)):
        ids = vocabulary.encode(text).ids.tolist()
        assert ids == theirs(text, add_special_tokens=False)["input_ids"], text
        if number % 10 == 0:
            assert vocabulary.decode(ids, skip_special=False) == theirs.decode(ids), text
    assert (vocabulary.pad_id, vocabulary.eos_id, vocabulary.unk_id) == (0, 1, 2)
    assert vocabulary.size == len(theirs) == 384
    assert vocabulary.sentinel(124) == theirs.convert_tokens_to_ids("<extra_id_124>")


def test_each_byte_names_its_character(tmp_path: Path) -> None:
    published(tmp_path)
    text = "é🙂a"
    found = load_vocabulary(tmp_path).encode(text)
    spans = list(zip(found.starts.tolist(), found.ends.tolist(), strict=True))
    assert spans == [(0, 1)] * 2 + [(1, 2)] * 4 + [(2, 3)]


def test_a_saved_folder_is_opened_by_both(tmp_path: Path) -> None:
    published(tmp_path / "theirs")
    ours = load_vocabulary(tmp_path / "theirs")
    ours.save(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    again, theirs = load_vocabulary(tmp_path), transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert type(theirs).__name__ == "ByT5Tokenizer"
    assert again.fingerprint == ours.fingerprint
    for text in TEXTS:
        ids = ours.encode(text).ids.tolist()
        assert again.encode(text).ids.tolist() == ids
        assert theirs(text, add_special_tokens=False)["input_ids"] == ids


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    published(tmp_path)
    with pytest.raises(UserError, match="half a character"):
        load_vocabulary(tmp_path).encode("a\ud800")


def test_ids_beyond_the_tokens_add_no_text(tmp_path: Path) -> None:
    published(tmp_path)
    vocabulary = load_vocabulary(tmp_path)
    ids = vocabulary.encode("a mill").ids.tolist()
    assert vocabulary.decode([384, *ids, 400]) == "a mill"
    assert vocabulary.decode([384, *ids, 400], skip_special=False) == "a mill"
