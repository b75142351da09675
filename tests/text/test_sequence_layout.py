"""Special tokens around one text or two; what identifies them stays what saved runs hold."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

import tiny
from headwater.text.loading import load_vocabulary
from headwater.text.sequence_layout import SequenceLayout, encoder_layout


def test_special_tokens_and_identity() -> None:
    layout = SequenceLayout((101,), (102, 102), (102,), segments=True)
    assert layout.special_tokens == 4
    expected = b"Layout(before=(101,), between=(102, 102), after=(102,), segments=True)"
    assert layout.identity == expected


WORDS = ("the", "mill", "river")
TEMPLATE: dict[str, Any] = {
    "type": "TemplateProcessing",
    "special_tokens": {
        name: {"id": name, "ids": [id], "tokens": [name]}
        for name, id in (("[CLS]", 2), ("[SEP]", 3))
    },
}


def _special(name: str, segment: int = 0) -> dict[str, Any]:
    return {"SpecialToken": {"id": name, "type_id": segment}}


def _text(name: str, segment: int = 0) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": segment}}


SINGLE = [_special("[CLS]"), _text("A"), _special("[SEP]")]
ROBERTA = {"type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}
PROCESSORS: dict[str, dict[str, Any]] = {
    "bert": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
    "roberta": {**ROBERTA, "trim_offsets": True, "add_prefix_space": False},
    "segments": {**TEMPLATE, "pair": [*SINGLE, _text("B", 1), _special("[SEP]", 1)]},
    "one segment": {**TEMPLATE, "pair": [*SINGLE, _text("B"), _special("[SEP]")]},
    "two separators": {
        **TEMPLATE,
        "pair": [*SINGLE, _special("[SEP]"), _text("B"), _special("[SEP]")],
    },
}


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("name", PROCESSORS)
def test_pairs_are_those_of_the_post_processor(tmp_path: Path, name: str, inside: bool) -> None:
    tiny.wordpiece(tmp_path, WORDS).save(tmp_path)
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    processor = {**PROCESSORS[name]}
    if processor["type"] == "TemplateProcessing":
        processor["single"] = SINGLE
    sequence = {"type": "Sequence", "processors": [processor]}
    content["post_processor"] = sequence if inside else processor
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "cls_token": "[CLS]"}
    config |= {"model_input_names": ["input_ids", "token_type_ids"]}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    _check_pair(tmp_path)


@pytest.mark.parametrize("name", ["RobertaTokenizer", "BertTokenizer"])
@pytest.mark.parametrize("names", [("<s>", "</s>"), ("[CLS]", "[SEP]")])
def test_pairs_of_older_files_are_those_of_the_class(
    tmp_path: Path, name: str, names: tuple[str, str]
) -> None:
    """The names of the tokens decide nothing: a BERT may begin with `<s>`."""
    cls, sep = names
    roles = {"cls_token": cls, "sep_token": sep, "pad_token": "[PAD]", "unk_token": "[UNK]"}
    roles |= {"mask_token": "[MASK]"}
    if name == "BertTokenizer":
        tokens = ["[PAD]", "[UNK]", cls, sep, "[MASK]", *WORDS]
        (tmp_path / "vocab.txt").write_text("\n".join(tokens))
    else:
        tiny.byte_pairs(tmp_path)
        ids = json.loads((tmp_path / "vocab.json").read_text())
        renamed = {"<s>": cls, "</s>": sep, "<pad>": "[PAD]", "<unk>": "[UNK]", "<mask>": "[MASK]"}
        ids = {renamed.get(token, token): id for token, id in ids.items()}
        (tmp_path / "vocab.json").write_text(json.dumps(ids))
        roles |= {"bos_token": cls, "eos_token": sep}
    config = {"tokenizer_class": name, **roles}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    _check_pair(tmp_path)


def _check_pair(folder: Path) -> None:
    vocabulary = load_vocabulary(folder)
    ids = [vocabulary.encode(text).ids for text in ("the mill", "river")]
    found = encoder_layout(vocabulary).sequence(*ids)
    opened = AutoTokenizer.from_pretrained(folder)
    expected = opened("the mill", "river", return_token_type_ids=True)
    assert found["input_ids"].tolist() == expected["input_ids"]
    segments = expected["token_type_ids"]
    assert found["token_type_ids"].tolist() == segments
    vocabulary.save(folder / "saved")
    assert encoder_layout(load_vocabulary(folder / "saved")) == encoder_layout(vocabulary)


@pytest.mark.parametrize("changes", [{"type_vocab_size": 1}, tiny.ENCODERS["roberta"]])
def test_a_body_of_one_segment_reads_pairs_with_a_bert_vocabulary(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    vocabulary = tiny.wordpiece(tmp_path, WORDS)
    sizes: dict[str, Any] = {"vocab_size": vocabulary.size, "dropout": 0.0, **changes}
    body = tiny.bert(**sizes).eval()
    ids = [vocabulary.encode(text).ids for text in ("the mill", "river")]
    row = encoder_layout(vocabulary).sequence(*ids)
    assert row["token_type_ids"].any()
    batch = {name: torch.from_numpy(value)[None].long() for name, value in row.items()}
    plain = {**batch, "token_type_ids": torch.zeros_like(batch["token_type_ids"])}
    outputs = [body.layer_outputs(each)[-1] for each in (batch, plain)]  # type: ignore[operator]
    assert torch.equal(*outputs)
