"""The BPE of the first GPT, whose ids are those of `OpenAIGPTTokenizer`."""

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer

import tiny
from headwater.errors import UserError
from headwater.text.loading import load_vocabulary
from headwater.text.special_tokens import describe

MERGES = ("t h", "th e</w>", "c a", "ca t</w>", "s a", "sa t</w>")
TEXTS = ["The cat sat.", "Café  THE—x\n sat", "é 中文 zz 9", "", "the, cat? <unk>"]


@pytest.mark.parametrize(
    "files",
    [
        {"config": {"model_type": "openai-gpt"}},
        {"tokenizer_config": {"tokenizer_class": "OpenAIGPTTokenizer"}},
        {"config": {"model_type": "openai-gpt", "tokenizer_class": "OpenAIGPTTokenizerFast"}},
    ],
)
def test_ids_are_the_reference_s(tmp_path: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    vocabulary = tiny.gpt1(tmp_path, *MERGES)
    found = [vocabulary.encode(text).ids.tolist() for text in TEXTS]
    reference = AutoTokenizer.from_pretrained(tmp_path)
    assert found == reference(TEXTS)["input_ids"]
    assert [vocabulary.decode(ids) for ids in found] == (
        reference.batch_decode(found, skip_special_tokens=True)
    )
    vocabulary.save(tmp_path / "saved")
    again, opened = (
        load_vocabulary(tmp_path / "saved"),
        AutoTokenizer.from_pretrained(tmp_path / "saved"),
    )
    assert [again.encode(text).ids.tolist() for text in TEXTS] == found
    assert opened(TEXTS)["input_ids"] == found
    assert again.fingerprint == vocabulary.fingerprint
    assert type(opened).__name__ == "OpenAIGPTTokenizer"


def test_without_a_class_the_merges_tell(tmp_path: Path) -> None:
    vocabulary = tiny.gpt1(tmp_path, *MERGES)
    encoding = vocabulary.encode("The cat sat.")
    tokens = [vocabulary.token(int(id)) for id in encoding.ids]
    assert tokens == ["the</w>", "cat</w>", "sat</w>", ".</w>"]
    assert (encoding.starts.tolist(), encoding.ends.tolist()) == ([0, 4, 8, 11], [3, 7, 11, 12])
    assert describe(vocabulary)["kind"] == "bpe"
    assert (vocabulary.unk_id, vocabulary.eos_id, vocabulary.cls_id) == (0, None, None)


def test_added_tokens(tmp_path: Path) -> None:
    size = tiny.gpt1(tmp_path, *MERGES).size
    (tmp_path / "config.json").write_text('{"model_type": "openai-gpt"}')
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<End>": size}))
    (tmp_path / "special_tokens_map.json").write_text('{"eos_token": "<End>"}')
    vocabulary = load_vocabulary(tmp_path)
    assert vocabulary.eos_id == size
    text = "the cat<End>sat <end>"
    found = vocabulary.encode(text).ids.tolist()
    assert found == AutoTokenizer.from_pretrained(tmp_path)(text)["input_ids"]
    assert found.count(size) == 1


def test_a_vocabulary_without_an_unknown_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text('{"a": 0, "b</w>": 1, "ab</w>": 2}')
    (tmp_path / "merges.txt").write_text("a b</w>\n")
    with pytest.raises(UserError, match=r"vocab\.json: the unk token <unk> is missing"):
        load_vocabulary(tmp_path)
