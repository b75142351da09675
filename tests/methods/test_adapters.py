"""Adapters change nothing at first, stand where the papers put them, and train with the norms."""

import pytest
import torch

import tiny
from headwater.errors import UserError
from headwater.methods.adapters import AdaptedLinear, Adapter, Adapters
from headwater.methods.config import AdaptersConfig
from headwater.models.build import Model

IDS = torch.arange(6, 18).reshape(2, 6)
BATCH = {"input_ids": IDS, "labels": IDS}


def bert(head: str | None = "token") -> Model:
    return tiny.bert(head).eval()


def t5(**changes: object) -> Model:
    return tiny.t5(**changes).eval()


MODELS = {
    "bert": bert,
    "t5": t5,
    "gated": lambda: t5(feed_forward_proj="gated-gelu"),
    "shared": lambda: t5(architecture="shared"),
    "prefix_lm": lambda: t5(architecture="prefix_lm"),
}


@pytest.mark.parametrize("after_attention", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_the_output_is_as_before(name: str, after_attention: bool) -> None:
    model = MODELS[name]()
    before = model(BATCH)
    Adapters(AdaptersConfig(size=3, after_attention=after_attention)).attach(model)
    assert torch.allclose(model(BATCH), before, atol=1e-5)
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, Adapter):
                part.up.weight.normal_()
    assert not torch.allclose(model(BATCH), before, atol=1e-2)


def adapted(model: Model) -> list[str]:
    return [name for name, part in model.named_modules() if isinstance(part, AdaptedLinear)]


def test_they_stand_after_each_feed_forward_and_if_asked_each_attention() -> None:
    model = t5()
    Adapters(AdaptersConfig()).attach(model)
    ends = [f"{stack}.layers.{n}." for stack in ("encoder", "decoder") for n in range(2)]
    assert adapted(model) == [f"{end}feedforward.layer.outer" for end in ends]
    model = t5()
    Adapters(AdaptersConfig(after_attention=True)).attach(model)
    assert len(adapted(model)) == 2 * 2 + 2 * 3
    assert "decoder.layers.1.cross.layer.output" in adapted(model)


def test_an_adapter_is_a_residual_around_two_dense_layers() -> None:
    torch.manual_seed(0)
    part = Adapter(6, 2, torch.device("cpu"))
    torch.nn.init.normal_(part.up.weight)
    hidden = torch.randn(5, 6)
    inner = (hidden @ part.down.weight.T + part.down.bias).clamp(min=0)
    assert torch.allclose(part(hidden), hidden + inner @ part.up.weight.T, atol=1e-6)


@pytest.mark.parametrize("name", ["bert", "t5"])
def test_adapters_norms_and_heads_train_and_nothing_else(name: str) -> None:
    model = MODELS[name]()
    Adapters(AdaptersConfig(size=3)).attach(model)
    trained = {each for each, p in model.named_parameters() if p.requires_grad}
    wanted = {
        each
        for each, _ in model.named_parameters()
        if ".adapter." in each or ".norm." in f".{each}" or each.startswith("head.")
    }
    assert trained == wanted
    layers = len(adapted(model))
    # Each adapter: two matrices and two biases.
    assert sum(model.get_parameter(each).numel() for each in trained if ".adapter." in each) == (
        layers * (2 * 16 * 3 + 3 + 16)
    )


def test_a_body_without_a_head_is_refused() -> None:
    with pytest.raises(UserError, match="'adapters' adapts a T5 or a BERT with a head, not a bare"):
        Adapters(AdaptersConfig()).attach(bert(None))


def test_a_size_that_no_machine_holds_is_refused() -> None:
    model = bert()
    with pytest.raises(UserError, match=r"adapters.size = 10000000000 needs .* GiB"):
        Adapters(AdaptersConfig(size=10**10)).attach(model)
    assert not adapted(model)
