"""Every encoder with every head gives in ONNX Runtime what it gives here."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import tiny
from headwater.checkpoints.description import Description, describe
from headwater.engines.onnx_graph import input_names, write_onnx
from headwater.engines.onnx_network import open_onnx
from headwater.errors import UserError
from headwater.files import write_json
from headwater.models.build import Model
from headwater.models.heads import ModelWithHead, SpanLogits
from headwater.models.multi_task import MultiTask

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")

HEADS = ("span", "sequence", "multi_label", "regression", "token", "masked_lm")
FAMILIES: dict[str, dict[str, Any]] = {
    **tiny.ENCODERS,
    "pre-norm": {"block": "pre_norm"},
    "silu": {"hidden_act": "silu"},
    "tanh gelu": {"hidden_act": "gelu_new"},
    "untied": {"tie_word_embeddings": False},
}
CASES = [(family, head) for family in FAMILIES for head in (None, *HEADS)]
CASES += [("bert", "next_sentence"), ("pre-norm", "pretraining")]
NAMES = {"span": ("start_logits", "end_logits"), None: ("last_hidden_state",)}
NAMES["pretraining"] = ("prediction_logits", "seq_relationship_logits")


def spread(network: Model) -> Model:
    """Draw weights that all count: biases and norms too differ from their defaults."""
    for weight in network.parameters():
        torch.nn.init.normal_(weight, 0.3 if weight.dim() == 1 else 0.0, 0.3)
    return network.eval()


def batch_for(network: Model) -> dict[str, Tensor]:
    lengths = torch.tensor([17, 9, 1, 12])
    mask = torch.arange(17)[None] < lengths[:, None]
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(4, 40, (4, 17), generator=generator)
    ids = ids.where(mask, network.config.pad_token_id)
    segments = (torch.arange(17) > 5).long() * mask
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": segments}


def exported(network: Model, folder: Path, quantization: str | None = None) -> Model:
    """Write a network and open what was written."""
    write_onnx(network, folder / "model.onnx", quantization)
    write_json(folder / "config.json", describe(network))
    return open_onnx(folder / "model.onnx", Description.read(folder), 1).eval()


def outputs(network: Model, batch: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """Return what a network gives, of padding zeros."""
    run: Any = network if isinstance(network, ModelWithHead) else network.hidden
    with torch.no_grad():
        found = run(batch)
    found = found if isinstance(found, tuple) else (found,)
    mask = batch["attention_mask"]
    by_token = network.head_name in (None, "span", "token", "masked_lm", "pretraining")
    return tuple(
        each * (mask if each.dim() == 2 else mask[..., None])
        if by_token and each.shape[1] == mask.shape[1]
        else each
        for each in found
    )


@pytest.mark.parametrize(("family", "head"), CASES)
def test_outputs_are_equal(family: str, head: str | None, tmp_path: Path) -> None:
    labels = ("a", "b", "c") if head in ("sequence", "multi_label", "token") else ()
    network = spread(tiny.bert(head, labels=labels, **FAMILIES[family]))
    other = exported(network, tmp_path)
    assert other.head_name == network.head_name
    assert other.labels[:3] == labels or not labels
    assert not list(other.parameters())
    batch = batch_for(network)
    for ours, theirs in zip(outputs(network, batch), outputs(other, batch), strict=True):
        torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-4)
    short = {name: each[:2, :9] for name, each in batch.items()}
    for ours, theirs in zip(outputs(network, short), outputs(other, short), strict=True):
        torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("family", "head"),
    [
        *((family, head) for family in tiny.ENCODERS for head in (None, "span", "sequence")),
        ("bert", "pretraining"),
    ],
)
def test_the_graph_is_valid_and_named_as_transformers_names(
    family: str, head: str | None, tmp_path: Path
) -> None:
    network = tiny.bert(head, **FAMILIES[family])
    write_onnx(network, tmp_path / "model.onnx", None)
    graph = onnx.load(str(tmp_path / "model.onnx"))
    onnx.checker.check_model(graph, full_check=True)
    assert [each.name for each in graph.graph.input] == input_names(network)
    assert ("token_type_ids" in input_names(network)) is (family == "bert")
    names = tuple(each.name for each in graph.graph.output)
    assert names == NAMES.get(head, ("logits",))


def test_what_a_batch_leaves_out_is_as_for_our_network(tmp_path: Path) -> None:
    network = spread(tiny.bert("span"))
    other = exported(network, tmp_path)
    batch = {"input_ids": torch.arange(5, 25).view(2, 10)}
    with torch.no_grad():
        ours, theirs = network(batch), other(batch)
    assert isinstance(theirs, SpanLogits)
    torch.testing.assert_close(theirs.start_logits, ours.start_logits, rtol=0, atol=1e-4)
    with pytest.raises(UserError, match="600 tokens in a sequence; this model takes 512"):
        other({"input_ids": torch.ones(1, 600, dtype=torch.long)})


@pytest.mark.parametrize("head", [None, "span", "masked_lm"])
def test_int8_is_near_and_smaller(head: str | None, tmp_path: Path) -> None:
    network = spread(tiny.bert(head, hidden_size=64, intermediate_size=256))
    other = exported(network, tmp_path, "int8")
    batch = batch_for(network)
    for ours, theirs in zip(outputs(network, batch), outputs(other, batch), strict=True):
        assert torch.cosine_similarity(ours.flatten(), theirs.flatten(), 0) > 0.98
        assert not torch.equal(ours, theirs)
    write_onnx(network, tmp_path / "whole.onnx", None)
    sizes = [(tmp_path / name).stat().st_size for name in ("model.onnx", "whole.onnx")]
    assert sizes[0] < 0.6 * sizes[1]


@pytest.mark.parametrize(
    "network",
    [
        tiny.t5(),
        tiny.gpt(),
        tiny.model(tiny.gpt_config(), "span"),
        tiny.model(tiny.encoder_decoder_config()),
        tiny.cbow(),
        MultiTask(tiny.bert("token").body, {"a": tiny.bert("token").head}, {"a": ("x", "y")}),
    ],
    ids=["T5", "GPT", "GPT with a head", "encoder-decoder", "CBOW", "several tasks"],
)
def test_other_networks_are_refused(network: Model, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="export a BERT, RoBERTa or DistilBERT with one head"):
        write_onnx(network, tmp_path / "model.onnx", None)
    assert not list(tmp_path.iterdir())
