"""The pre-norm block of the BERT family, beside published code that has one."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.files import read_json
from headwater.models.bert.config import BertConfig
from headwater.models.bert.network import Bert, block
from headwater.models.build import build_model
from headwater.nn.block import PreNorm

SIZES: dict[str, Any] = {
    "vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 3,
    "intermediate_size": 40, "max_position_embeddings": 40,
}  # fmt: skip
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-9}
LAYER = {
    "attention.norm": "attention.LayerNorm",
    "attention.layer.query": "attention.self.query",
    "attention.layer.key": "attention.self.key",
    "attention.layer.value": "attention.self.value",
    "attention.layer.output": "attention.output.dense",
    "feedforward.norm": "intermediate.LayerNorm",
    "feedforward.layer.inner": "intermediate.dense",
    "feedforward.layer.outer": "output.dense",
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)


def scattered(head: str | None = None) -> Any:
    """A pre-norm model whose norms and biases differ from their defaults too."""
    model = build_model(tiny.bert_config(block="pre_norm", **SIZES), head).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0.3 if parameter.dim() == 1 else 0.0, 0.2)
    return model


def inputs() -> dict[str, Tensor]:
    ids = torch.randint(4, 60, (3, 17))
    mask = torch.arange(17)[None] < torch.tensor([17, 9, 12])[:, None]
    segments = (torch.arange(17) > 5).long().expand(3, 17) * mask
    return {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": segments}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_it_equals_the_published_pre_norm_encoder(dtype: torch.dtype) -> None:
    """RoBERTa-PreLayerNorm has the same block; its positions begin one index later."""
    ours = scattered().to(dtype)
    config = transformers.RobertaPreLayerNormConfig(
        **SIZES | {"max_position_embeddings": 41}, type_vocab_size=2, pad_token_id=0,
        layer_norm_eps=1e-12,
    )  # fmt: skip
    config._attn_implementation = "eager"
    theirs = transformers.RobertaPreLayerNormModel(config, add_pooling_layer=False).to(dtype).eval()
    names = {"norm": "LayerNorm"}
    for mine, published in (("token", "word"), ("segment", "token_type")):
        names[f"embeddings.{mine}"] = f"embeddings.{published}_embeddings"
    names["embeddings.norm"] = "embeddings.LayerNorm"
    for number in range(3):
        for mine, published in LAYER.items():
            names[f"layers.{number}.{mine}"] = f"encoder.layer.{number}.{published}"
    for mine, published in names.items():
        theirs.get_submodule(published).load_state_dict(ours.get_submodule(mine).state_dict())
    theirs.embeddings.position_embeddings.weight.data[1:] = ours.embeddings.position.weight.data
    batch = inputs()
    mask = batch["attention_mask"]
    published = theirs(**batch | {"attention_mask": mask.long()}).last_hidden_state
    hidden = ours(*batch.values())
    difference = (hidden[mask] - published[mask]).abs().max().item()
    assert difference <= TOLERANCE[dtype] * max(1.0, published[mask].abs().max().item())


def test_what_stands_where_in_the_block() -> None:
    layer = block(tiny.bert_config(block="pre_norm", hidden_dropout_prob=0.3))
    assert isinstance(layer.attention, PreNorm) and isinstance(layer.feedforward, PreNorm)
    dropped = {name: part.p for name, part in layer.named_modules() if hasattr(part, "p")}
    assert dropped == {
        "attention.layer.dropout": 0.1,
        "attention.dropout": 0.3,
        "feedforward.layer.dropout": 0.3,
        "feedforward.dropout": 0.3,
    }
    published = block(tiny.bert_config(hidden_dropout_prob=0.3))
    assert published.feedforward.layer.dropout.p == 0


@pytest.mark.parametrize("head", [None, "span", "pretraining", "sequence"])
def test_a_folder_gives_the_same_model_back(tmp_path: Path, head: str | None) -> None:
    model = scattered(head)
    save_model(tmp_path / "m", model)
    content = read_json(tmp_path / "m" / "config.json")
    assert (content["model_type"], content["block"]) == ("headwater-bert", "pre_norm")
    loaded = load_model(tmp_path / "m")
    assert loaded.new_parameters == loaded.ignored == ()
    before, after = model.state_dict(), loaded.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    body = loaded.model if head is None else loaded.model.body
    assert isinstance(body, Bert) and body.norm is not None


def test_a_new_head_on_a_pre_norm_body(tmp_path: Path) -> None:
    save_model(tmp_path / "m", scattered("pretraining"))
    loaded = load_model(tmp_path / "m", "span")
    assert loaded.new_parameters == ("head.dense.weight", "head.dense.bias")


def test_a_published_bert_is_written_as_before(tmp_path: Path) -> None:
    save_model(tmp_path / "m", tiny.bert())
    content = read_json(tmp_path / "m" / "config.json")
    assert content["model_type"] == "bert"
    assert "block" not in content


def test_it_learns_where_the_published_rate_is_high() -> None:
    config = tiny.bert_config(block="pre_norm", dropout=0.0, **SIZES)
    model = build_model(config, "masked_lm")
    batch = inputs()
    batch["labels"] = batch["input_ids"].where(batch["attention_mask"], -100)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    for _ in range(60):
        loss = model.loss_sums(batch)["masked_lm"] / model.loss_counts(batch)["masked_lm"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_mistakes_name_the_fix() -> None:
    with pytest.raises(UserError, match="did you mean 'pre_norm'"):
        BertConfig(block="prenorm")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="take a BERT for pre_norm"):
        BertConfig(model_type="roberta", pad_token_id=1, block="pre_norm")
