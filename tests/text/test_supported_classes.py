"""A vocabulary whose class reads its files in a way of its own is refused by the class's name."""

import json
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.errors import UserError
from headwater.text.loading import load_vocabulary


def _stated(folder: Path, **files: Any) -> None:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


@pytest.mark.parametrize("beside", ["vocab.txt", "tokenizer.json"])
@pytest.mark.parametrize(
    "files",
    [
        {"tokenizer_config": {"tokenizer_class": "BertJapaneseTokenizer"}},
        {"config": {"model_type": "bert", "tokenizer_class": "BertJapaneseTokenizer"}},
    ],
)
def test_code_that_no_file_holds_is_refused(
    tmp_path: Path, files: dict[str, Any], beside: str
) -> None:
    vocabulary = tiny.wordpiece(tmp_path, ["a", "日"])
    if beside == "tokenizer.json":
        vocabulary.save(tmp_path)
        (tmp_path / "tokenizer_config.json").unlink()
    _stated(tmp_path, **files)
    with pytest.raises(UserError) as caught:
        load_vocabulary(tmp_path)
    assert str(caught.value).startswith(
        f"{tmp_path / next(iter(files))}.json: names BertJapaneseTokenizer, which is not supported"
    )
    assert "BertTokenizer" in str(caught.value)
    assert "\n" not in str(caught.value)


WORDS = ("FunnelTokenizer", "MPNetTokenizer", "SplinterTokenizer", "SomebodysTokenizer")
BYTES = ("CLIPTokenizer", "Qwen2Tokenizer", "DebertaTokenizer", "BloomTokenizer", "T5Tokenizer")


@pytest.mark.parametrize("name", WORDS)
def test_word_pieces_of_other_classes_need_a_tokenizer_json(tmp_path: Path, name: str) -> None:
    vocabulary = tiny.wordpiece(tmp_path, ["a", "b"])
    _stated(tmp_path, tokenizer_config={"tokenizer_class": f"{name}Fast"})
    expected = rf"names {name}, which is not supported with vocab\.txt; save its tokenizer\.json"
    with pytest.raises(UserError, match=expected):
        load_vocabulary(tmp_path)
    vocabulary.save(tmp_path)
    _stated(tmp_path, tokenizer_config={"tokenizer_class": f"{name}Fast"})
    assert load_vocabulary(tmp_path).encode("a b").ids.tolist() == [5, 6]


@pytest.mark.parametrize("name", BYTES)
def test_bytes_of_other_classes_need_a_tokenizer_json(tmp_path: Path, name: str) -> None:
    tiny.byte_pairs(tmp_path, "Ġ a")
    _stated(tmp_path, tokenizer_config={"tokenizer_class": name})
    with pytest.raises(UserError, match=rf"names {name}, .* not supported with vocab\.json"):
        load_vocabulary(tmp_path)


@pytest.mark.parametrize("name", ["BigBirdTokenizer", "XLNetTokenizer", "PegasusTokenizer"])
def test_a_sentencepiece_model_of_another_class(shared: Path, tmp_path: Path, name: str) -> None:
    model = shared / "data/tokenizers/t5/spiece.model"
    (tmp_path / "spiece.model").symlink_to(model)
    _stated(tmp_path, tokenizer_config={"tokenizer_class": name})
    with pytest.raises(UserError, match=rf"names {name}, .* not supported with spiece\.model"):
        load_vocabulary(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    _stated(tmp_path, config={"model_type": "big_bird"})
    with pytest.raises(UserError, match=r"config\.json: goes with BigBirdTokenizer"):
        load_vocabulary(tmp_path)
    (tmp_path / "tokenizer.json").symlink_to(model.with_name("tokenizer.json"))
    assert type(load_vocabulary(tmp_path)).__name__ == "TokenizerVocabulary"
    _stated(tmp_path, config={"model_type": "t5"})
    assert type(load_vocabulary(tmp_path)).__name__ == "SentencePieceVocabulary"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"tokenizer_config": {"tokenizer_class": "CanineTokenizer"}},
            "names CanineTokenizer, which",
        ),
        ({"config": {"model_type": "mbart"}}, "goes with MBartTokenizer, which"),
        ({"tokenizer_config": {"tokenizer_class": "BertTokenizer"}}, "no vocabulary here"),
        ({"config": {"model_type": "bert"}}, "no vocabulary here"),
    ],
)
def test_a_folder_without_a_file_that_is_read_here(
    tmp_path: Path, files: dict[str, Any], expected: str
) -> None:
    _stated(tmp_path, **files)
    (tmp_path / "tokenizer.model").write_bytes(b"x")
    with pytest.raises(UserError, match=expected):
        load_vocabulary(tmp_path)


@pytest.mark.parametrize("model_type", ["t5", "gpt2", "roberta", "elmo", "of-no-family"])
def test_a_network_may_have_the_vocabulary_of_another_family(
    tmp_path: Path, model_type: str
) -> None:
    tiny.wordpiece(tmp_path, ["a", "b"])
    _stated(tmp_path, config={"model_type": model_type})
    assert load_vocabulary(tmp_path).encode("a b").ids.tolist() == [5, 6]
