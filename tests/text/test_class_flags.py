"""Flags beside a `tokenizer.json`: the ids are those that `AutoTokenizer` gives, case by case."""

import json
import logging
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

from headwater.errors import UserError
from headwater.text.loading import load_vocabulary
from headwater.text.tokenizer_json import bert_normalizer, describe_tokenizer

TEXT = "Apple Pié 中文"
WORDS = ("Apple", "apple", "Pié", "Pie", "pie", "pié", "中文", "中")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
BERT_CLASSES = [
    *(None, "BertTokenizer", "BertTokenizerFast", "DistilBertTokenizerFast"),
    *("ElectraTokenizer", "MPNetTokenizer", "PreTrainedTokenizerFast", "PreTrainedTokenizer"),
    *("TokenizersBackend", "SomebodysTokenizer", "ConvBertTokenizer", "SqueezeBertTokenizer"),
]
BERT_FLAGS: list[dict[str, Any]] = [
    *({}, {"do_lower_case": True}, {"do_lower_case": False}),
    {"do_lower_case": True, "strip_accents": False},
    {"do_lower_case": False, "strip_accents": True},
    {"do_lower_case": False, "tokenize_chinese_chars": False},
]
BYTE_CLASSES = [
    *(None, "GPT2Tokenizer", "GPT2TokenizerFast", "RobertaTokenizer"),
    *("PreTrainedTokenizerFast", "TokenizersBackend", "LongformerTokenizer", "BartTokenizerFast"),
]
GENERIC_CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend")


def _wordpiece(*, lower_case: bool) -> dict[str, Any]:
    ids = {token: id for id, token in enumerate((*SPECIAL, *WORDS))}
    model = {"type": "WordPiece", "vocab": ids, "unk_token": "[UNK]"}
    model |= {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
    return describe_tokenizer(
        model,
        SPECIAL,
        normalizer=bert_normalizer(lowercase=lower_case),
        pre_tokenizer={"type": "BertPreTokenizer"},
    )


def _bytes(*, prefix: bool) -> dict[str, Any]:
    special = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>")
    tokens = (*special, *sorted(pre_tokenizers.ByteLevel.alphabet()))
    ids = {token: id for id, token in enumerate(tokens)}
    splitter = {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True}
    return describe_tokenizer(
        {"type": "BPE", "vocab": ids, "merges": []},
        special,
        pre_tokenizer={**splitter, "use_regex": True},
    )


def _folder(folder: Path, content: dict[str, Any], config: dict[str, Any], **model: object) -> Path:
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "config.json").write_text(json.dumps(model))
    return folder


def _both(folder: Path) -> tuple[list[int], list[int]]:
    theirs = AutoTokenizer.from_pretrained(folder)(TEXT, add_special_tokens=False)["input_ids"]
    return load_vocabulary(folder).encode(TEXT).ids.tolist(), theirs


def _config(name: str | None, flags: dict[str, Any]) -> dict[str, Any]:
    return flags if name is None else {"tokenizer_class": name, **flags}


@pytest.mark.parametrize("flags", BERT_FLAGS, ids=str)
@pytest.mark.parametrize("name", BERT_CLASSES)
def test_the_flags_of_bert_are_followed_as_there(
    name: str | None, flags: dict[str, Any], tmp_path: Path
) -> None:
    families = ("bert", "distilbert", "electra", "mpnet", "roberta")
    for lower, family in product((False, True), families):
        if (name, family) == (None, "roberta"):  # its class cannot hold WordPiece
            continue
        content = _wordpiece(lower_case=lower)
        folder = _folder(tmp_path, content, _config(name, flags), model_type=family)
        ours, theirs = _both(folder)
        assert ours == theirs, (lower, family)


@pytest.mark.parametrize("flags", [{}, {"add_prefix_space": True}, {"add_prefix_space": False}])
@pytest.mark.parametrize("name", BYTE_CLASSES)
def test_the_flag_of_a_byte_level_bpe_is_followed_as_there(
    name: str | None, flags: dict[str, Any], tmp_path: Path
) -> None:
    for prefix, family in product((False, True), ("gpt2", "roberta", "bart", "modernbert")):
        if family == "modernbert" and name not in (None, *GENERIC_CLASSES):
            continue  # it is published with none of a family
        content = _bytes(prefix=prefix)
        folder = _folder(tmp_path, content, _config(name, flags), model_type=family)
        ours, theirs = _both(folder)
        assert ours == theirs, (prefix, family)


def test_config_json_may_name_the_class(tmp_path: Path) -> None:
    content, flags = _wordpiece(lower_case=False), {"do_lower_case": True}
    named = {"model_type": "bert", "tokenizer_class": "PreTrainedTokenizerFast"}
    ours, theirs = _both(_folder(tmp_path, content, flags, **named))
    assert ours == theirs
    assert ours[0] == load_vocabulary(tmp_path).id_of("Apple")


def test_a_default_that_tokenizer_json_does_not_say_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = {"tokenizer_class": "BertTokenizer"}
    with caplog.at_level(logging.WARNING):
        load_vocabulary(_folder(tmp_path, _wordpiece(lower_case=True), config))
        assert not caplog.messages
        load_vocabulary(_folder(tmp_path, _wordpiece(lower_case=False), config))
    (said,) = caplog.messages
    assert "do_lower_case = true" in said
    assert "tokenizer_config.json" in said


def test_what_v010_wrote_keeps_its_case(tmp_path: Path) -> None:
    """It named BertTokenizer for every WordPiece, and stated only flags that it had found."""
    roles = {f"{token.strip('[]').lower()}_token": token for token in SPECIAL}
    config = {"tokenizer_class": "BertTokenizer", **roles}
    _folder(tmp_path, _wordpiece(lower_case=False), config, model_type="bert")
    (tmp_path / "special_tokens_map.json").write_text(json.dumps(roles))
    vocabulary = load_vocabulary(tmp_path)
    assert vocabulary.token(int(vocabulary.encode("Apple").ids[0])) == "Apple"


def test_without_a_model_beside_it_stated_flags_win(tmp_path: Path) -> None:
    _folder(tmp_path, _wordpiece(lower_case=True), {"do_lower_case": False})
    (tmp_path / "config.json").unlink()
    vocabulary = load_vocabulary(tmp_path)
    assert vocabulary.token(int(vocabulary.encode("Apple").ids[0])) == "Apple"


def test_a_class_is_a_name(tmp_path: Path) -> None:
    folder = _folder(tmp_path, _wordpiece(lower_case=True), {"tokenizer_class": 3})
    with pytest.raises(UserError, match=r"tokenizer_config\.json: tokenizer_class must be a name"):
        load_vocabulary(folder)
