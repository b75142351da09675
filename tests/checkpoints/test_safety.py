"""Whatever is wrong with a folder is one clear line that names it, and nothing is unpickled."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny
from headwater.checkpoints.folder import load_model, read_extra, save_model
from headwater.errors import UserError
from headwater.models.build import build_model

TINY = tiny.bert_config(vocab_size=30, hidden_size=8, max_position_embeddings=16)
QUERY = "bert.encoder.layer.0.attention.self.query.weight"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_model(tmp_path / "model", tiny.model(TINY, "span"))
    return tmp_path / "model"


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    (folder / "manifest.json").unlink()


def refused(folder: Path, *words: str, head: str | None = None) -> None:
    with pytest.raises(UserError) as caught:
        load_model(folder, head)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(folder), *words):
        assert word in message


def test_every_flipped_bit_is_found(saved: Path) -> None:
    path = saved / "model.safetensors"
    good = path.read_bytes()
    for offset in range(0, len(good), max(1, len(good) // 40)):
        path.write_bytes(good[:offset] + bytes([good[offset] ^ 4]) + good[offset + 1 :])
        refused(saved, "damaged", "sha256")
    path.write_bytes(good)
    load_model(saved)


@pytest.mark.parametrize("manifest", [True, False])
def test_a_file_cut_short(saved: Path, manifest: bool) -> None:
    path = saved / "model.safetensors"
    good = path.read_bytes()
    if not manifest:
        (saved / "manifest.json").unlink()
    for length in (0, 5, 100, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:length])
        refused(saved, "model.safetensors", "damaged")


def shard(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    halves = {"model-1.safetensors": names[:9], "model-2.safetensors": names[9:]}
    for file, part in halves.items():
        save_file({name: tensors[name] for name in part}, folder / file)
    index = {"weight_map": {name: file for file, part in halves.items() for name in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()
    (folder / "manifest.json").unlink()


def test_shards_load_as_the_whole(saved: Path) -> None:
    whole = load_model(saved).model.state_dict()
    shard(saved)
    again = load_model(saved).model.state_dict()
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_missing_shard(saved: Path) -> None:
    shard(saved)
    (saved / "model-2.safetensors").unlink()
    refused(saved, "model-2.safetensors", "missing")


def test_an_index_that_leads_outside(saved: Path) -> None:
    shard(saved)
    index = {"weight_map": {QUERY: "../model-1.safetensors"}}
    (saved / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(saved, "'../model-1.safetensors' is not the name")


def test_an_index_that_disagrees(saved: Path) -> None:
    shard(saved)
    path = saved / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    del index["weight_map"][QUERY]
    path.write_text(json.dumps(index))
    refused(saved, "disagrees", QUERY)


@pytest.mark.parametrize("name", ["config.json", "vocab.txt"])
def test_a_changed_config_or_vocabulary_is_found(tmp_path: Path, name: str) -> None:
    vocabulary = tiny.wordpiece(tmp_path, ["old", "mill"])
    folder = tiny.model_folder(tmp_path / "model", vocabulary, "span", extra={"a": 1})
    (folder / "headwater.json").write_text('{"a": 2}')  # settings, which may be changed
    load_model(folder)
    content = (folder / name).read_text(encoding="utf-8")
    (folder / name).write_text(content.replace("1e-12", "2e-12").replace("mill", "milk"))
    refused(folder, name, "damaged", "if you changed it on purpose")
    (folder / name).unlink()
    refused(folder, name)
    (folder / name).write_text(content)
    weights = json.loads((folder / "manifest.json").read_text())["model.safetensors"]
    (folder / "manifest.json").write_text(json.dumps({"model.safetensors": weights}))
    (folder / name).write_text(content.replace("1e-12", "2e-12").replace("mill", "milk"))
    load_model(folder)  # as folders were written before


def test_a_file_that_only_the_manifest_knows(saved: Path) -> None:
    path = saved / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"more.safetensors": "0"}))
    refused(saved, "more.safetensors", "missing")


def test_missing_unexpected_and_misshapen_tensors_are_named(saved: Path) -> None:
    edit_tensors(saved, lambda tensors: tensors.pop(QUERY))
    refused(saved, "missing", QUERY)
    save_model(saved, build_model(TINY, "span"))
    edit_tensors(saved, lambda tensors: tensors.update({"bert.more.weight": torch.ones(2)}))
    refused(saved, "unexpected", "bert.more.weight")
    save_model(saved, build_model(TINY, "span"))
    edit_tensors(saved, lambda tensors: tensors.update({QUERY: torch.ones(8, 9)}))
    refused(saved, "wrong shape", QUERY, "(8, 9)", "(8, 8)")
    save_model(saved, build_model(TINY, "span"))
    edit_tensors(saved, lambda t: t.update({QUERY: torch.ones(8, 8, dtype=torch.int64)}))
    refused(saved, QUERY, "not floating point")


def test_the_head_that_the_folder_claims_may_not_be_missing(saved: Path) -> None:
    edit_tensors(saved, lambda tensors: tensors.pop("qa_outputs.weight"))
    refused(saved, "missing", "qa_outputs.weight")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_hidden_layers": 1}, ["no such layer", "bert.encoder.layer.1."]),
        ({"num_hidden_layers": 3}, ["missing", "bert.encoder.layer.2."]),
        ({"hidden_size": 16}, ["wrong shape", "asks for"]),
        ({"vocab_size": 31}, ["word_embeddings.weight", "(30, 8)", "(31, 8)"]),
        ({"num_attention_heads": 3}, ["not a multiple"]),
        ({"num_attention_heads": 0}, ["num_attention_heads = 0"]),
        ({"hidden_size": "8"}, ["hidden_size = '8'", "int was expected"]),
        ({"hidden_act": "gellu"}, ["hidden_act", "known are gelu"]),
        ({"hidden_dropout_prob": 1.5}, ["hidden_dropout_prob"]),
        ({"position_embedding_type": "relative_key"}, ["relative_key", "not supported"]),
        ({"model_type": "gptj"}, ["'gptj'", "known are bert"]),
        ({"model_type": ["bert"]}, ["model_type"]),
        ({"architectures": ["BertLMHeadModel"]}, ["BertLMHeadModel is not supported"]),
        ({"architectures": "BertModel"}, ["list of names"]),
        ({"id2label": {"a": "b"}}, ["id2label"]),
        ({"pad_token_id": 99}, ["pad_token_id 99"]),
    ],
    ids=str,
)
def test_a_config_that_disagrees(saved: Path, changes: dict[str, Any], words: list[str]) -> None:
    edit_config(saved, **changes)
    refused(saved, *words)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was opened",))


def test_pickles_are_refused_unopened(saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    (saved / "manifest.json").unlink()
    (saved / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    refused(saved, "pytorch_model.bin", "convert it")


def test_an_empty_folder_and_a_missing_one(tmp_path: Path) -> None:
    refused(tmp_path, "config.json", "no such file")
    refused(tmp_path / "nowhere", "config.json", "no such file")


def test_no_weights_at_all(saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    refused(saved, "no model.safetensors")


def test_half_precision_is_widened(saved: Path, tmp_path: Path) -> None:
    model = load_model(saved).model
    save_model(tmp_path / "half", model, dtype=torch.float16)
    half = load_file(tmp_path / "half" / "model.safetensors")
    assert {tensor.dtype for tensor in half.values()} == {torch.float16}
    again = load_model(tmp_path / "half").model.state_dict()
    for name, tensor in model.state_dict().items():
        assert again[name].dtype == torch.float32
        assert torch.equal(again[name], tensor.half().float())


def test_what_is_not_finite_is_not_saved(saved: Path) -> None:
    model = load_model(saved).model
    model.head.dense.bias.data[0] = 1e6
    before = (saved / "model.safetensors").read_bytes()
    with pytest.raises(UserError, match=r"qa_outputs\.bias is not finite as torch\.float16"):
        save_model(saved, model, dtype=torch.float16)
    assert (saved / "model.safetensors").read_bytes() == before


def test_extra_travels_along(saved: Path) -> None:
    assert read_extra(saved) == {}
    save_model(saved, load_model(saved).model, extra={"threshold": -1.5})
    assert read_extra(saved) == {"threshold": -1.5}
