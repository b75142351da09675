"""`running`: what runs in place of a network is that network, rounded to bf16 at most."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import tiny
from headwater import device
from headwater.errors import UserError
from headwater.inference import running as module
from headwater.inference.decoding import generate_ids
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.loaded import LoadedModel
from headwater.inference.running import choose_products, fast_precision, running
from headwater.methods.adapters import Adapters
from headwater.methods.config import AdaptersConfig, LoraConfig
from headwater.methods.lora import Lora
from headwater.models.build import build_multi_task
from headwater.models.config import TaskHead
from headwater.nn.output import OutputLayer
from headwater.nn.packed import pack, shared_copy

IDS = 5 + torch.arange(40).reshape(2, 20) % 30
MASK = torch.ones_like(IDS, dtype=torch.bool)
MASK[1, 9:] = False
BATCH = {"input_ids": IDS, "attention_mask": MASK, "labels": IDS[:, :6]}

T5S = {
    "relu": {},
    "gated": {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    "shared": {"architecture": "shared"},
    "decoder-only": {"architecture": "prefix_lm"},
}
MODELS: dict[str, Callable[[], nn.Module]] = {
    **{name: lambda c=changes: tiny.bert("span", **c) for name, changes in tiny.ENCODERS.items()},
    "pre-norm": lambda: tiny.bert("token", labels=("a", "b"), model_type="headwater-bert"),
    "masked LM": lambda: tiny.bert("masked_lm"),
    **{f"T5, {name}": lambda c=changes: tiny.t5(**c) for name, changes in T5S.items()},
    "GPT-2": tiny.gpt,
    "GPT": lambda: tiny.gpt(model_type="openai-gpt"),
    "encoder-decoder": lambda: tiny.model(tiny.encoder_decoder_config()),
}


def outputs(network: nn.Module) -> Tensor:
    found = network(BATCH)
    found = torch.stack(found, -1) if isinstance(found, tuple) else found
    shared = MASK if found.shape[1] == IDS.shape[1] else torch.ones(found.shape[:2], dtype=bool)
    return found[shared]


def drawn(make: Callable[[], nn.Module]) -> nn.Module:
    """A network whose biases and norms are no zeros and ones, in eval mode."""
    network = make().eval()
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return network


@pytest.mark.parametrize("name", MODELS)
def test_a_packed_network_gives_the_same_but_for_rounding(name: str) -> None:
    network = drawn(MODELS[name])
    with running(network, torch.float32) as same:
        assert same is network
        exact = outputs(same)
    with running(network, torch.bfloat16) as fast:
        assert fast is not network
        rounded = outputs(fast)
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.05 * exact.abs().max()


@pytest.mark.parametrize("method", [Lora(LoraConfig(rank=4)), Adapters(AdaptersConfig(size=4))])
def test_what_a_method_added_counts(method: Any) -> None:
    network = tiny.bert("span")
    method.attach(network)
    network = drawn(lambda: network)
    with running(network, torch.float32):
        exact = outputs(network)
    with running(network, torch.bfloat16) as fast:
        assert (outputs(fast) - exact).abs().max() < 0.05 * exact.abs().max()
        assert not any("lora" in name for name, _ in fast.named_parameters())


def test_the_weights_are_shared_and_the_copy_is_kept_until_they_change() -> None:
    network = drawn(lambda: tiny.bert("span"))
    with running(network, torch.bfloat16) as first, running(network, torch.bfloat16) as again:
        assert first is again
        pointers = {each.data_ptr() for each in network.parameters()}
        assert {each.data_ptr() for each in first.parameters()} <= pointers
        before = outputs(first)
    with torch.no_grad():
        network.body.layers[0].attention.layer.query.weight.mul_(3)
    with running(network, torch.bfloat16) as changed:
        assert changed is not first
        assert not torch.equal(outputs(changed), before)


def test_the_copy_goes_with_the_network() -> None:
    network = drawn(lambda: tiny.bert("span"))
    with running(network, torch.bfloat16) as fast:
        kept = weakref.ref(fast)
    del network, fast
    gc.collect()
    assert kept() is None


def test_scores_of_the_likeliest_tokens_are_not_rounded() -> None:
    states, vectors, bias = torch.randn(3, 32), torch.randn(200, 32), torch.randn(200)
    exact = states @ vectors.T + bias
    network = nn.ModuleDict({"scoring": OutputLayer()})
    pack(network)
    found = network["scoring"](states, vectors, bias)
    likely = exact.topk(8).indices
    torch.testing.assert_close(found.gather(1, likely), exact.gather(1, likely))
    assert 0 < (found - exact).abs().max() < 0.1
    assert torch.equal(found.argmax(1), exact.argmax(1))


def test_reading_in_parts_changes_no_text() -> None:
    network = drawn(lambda: tiny.t5())
    order = MASK.sum(1).argsort(descending=True)
    batch = {"input_ids": IDS[order], "attention_mask": MASK[order]}
    given = (network, batch, DecoderTokens(0, (1,)), GenerationConfig(max_new_tokens=6))
    with running(network, torch.float32):
        whole, parts = generate_ids(*given), generate_ids(*given, together=15)
    assert [each[0].ids for each in whole] == [each[0].ids for each in parts]


def test_small_networks_and_other_formats_stay_as_they_are() -> None:
    assert fast_precision(tiny.bert("span")) == torch.float32
    assert fast_precision(tiny.bert("span", hidden_size=512, vocab_size=4000).double()) == (
        torch.float32
    )


def test_an_unknown_precision_is_named() -> None:
    with pytest.raises(UserError, match=r"precision 'fp8': expected auto, bf16, fp32"):
        choose_products("fp8", torch.device("cpu"))


def test_without_the_kernels_autocast_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "has_bf16", lambda _: False)
    reads, writes = drawn(lambda: tiny.bert("span")), drawn(tiny.t5)
    with running(reads, torch.bfloat16) as same:
        assert same is reads
        assert torch.is_autocast_enabled("cpu")
    with running(writes, torch.bfloat16) as same:
        assert same is writes
        assert not torch.is_autocast_enabled("cpu"), "likely tokens would be equal"


def test_the_heads_of_a_model_are_packed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tiny.wordpiece(tmp_path, ["good", "bad"])
    config = tiny.bert_config(vocab_size=words.size)
    network = build_multi_task(config, {"cola": TaskHead("sequence", ("no", "yes"))})
    model = LoadedModel(network.eval(), words, config, precision=torch.bfloat16)
    made: list[nn.Module] = []
    monkeypatch.setattr(module, "shared_copy", lambda each: made.append(each) or shared_copy(each))
    assert model.classify("good", task="cola") != model.classify("bad", task="cola")
    assert len(made) == 1
