"""LoRA changes nothing at first, trains what it should, and becomes part of the weights."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import tiny
from headwater.errors import UserError
from headwater.methods.config import LoraConfig, MethodConfig
from headwater.methods.lora import Lora, LowRankLinear, merge
from headwater.methods.names import build_method
from headwater.models.build import Model
from headwater.models.families import FAMILIES
from headwater.runs.recipe import Recipe, resolved
from headwater.training.config import TrainingConfig

IDS = torch.arange(6, 18).reshape(2, 6)
BATCH = {"input_ids": IDS, "labels": IDS}


def bert() -> Model:
    return tiny.bert("sequence").eval()


def t5(**changes: object) -> Model:
    return tiny.t5(**changes).eval()


MODELS = {
    "bert": bert,
    "t5": t5,
    "gated": lambda: t5(feed_forward_proj="gated-gelu"),
    "shared": lambda: t5(architecture="shared"),
    "prefix_lm": lambda: t5(architecture="prefix_lm"),
}


def shaken(model: nn.Module) -> None:
    """Let what trains be anything but zero."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)


@pytest.mark.parametrize("name", MODELS)
def test_the_output_is_as_before_and_after_training_as_merged(name: str) -> None:
    model = MODELS[name]()
    before, names = model(BATCH), set(model.state_dict())
    every = ["query", "key", "value", "output", "outer"]
    Lora(LoraConfig(rank=3, targets=every)).attach(model)
    assert torch.allclose(model(BATCH), before, atol=1e-5)
    shaken(model)
    adapted = model(BATCH)
    assert not torch.allclose(adapted, before, atol=1e-2)
    merge(model)
    assert torch.allclose(model(BATCH), adapted, atol=1e-5)
    assert set(model.state_dict()) == names
    assert not any(isinstance(each, LowRankLinear) for each in model.modules())


def test_the_matrices_of_the_targets_and_the_head_train() -> None:
    model = bert()
    build_method(MethodConfig(method="lora")).attach(model)
    beside = {
        f"body.layers.{layer}.attention.layer.{target}.lora_{side}.weight"
        for layer in range(2)
        for target in ("query", "value")
        for side in "AB"
    }
    head = {
        f"head.{part}.{leaf}" for part in ("dense", "pooler.dense") for leaf in ("weight", "bias")
    }
    assert {name for name, p in model.named_parameters() if p.requires_grad} == beside | head
    assert model.get_parameter(min(beside)).shape == (8, 16)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 6), st.floats(0.5, 32), st.booleans())
def test_what_stands_beside_a_matrix_is_the_published_sum(
    rank: int, inputs: int, outputs: int, alpha: float, bias: bool
) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(inputs, outputs, bias)
    module = LowRankLinear(linear, LoraConfig(rank=rank, alpha=alpha))
    assert torch.equal(module.lora_B.weight, torch.zeros(outputs, rank))
    assert module.lora_A.weight.abs().max() <= (1 / inputs) ** 0.5  # kaiming, a = sqrt(5)
    nn.init.normal_(module.lora_B.weight)
    matrix = linear.weight + module.lora_B.weight @ module.lora_A.weight * alpha / rank
    hidden = torch.randn(4, inputs)
    wanted = hidden @ matrix.T + (linear.bias if bias else 0)
    scale = wanted.detach().abs().max().item() + 1
    assert torch.allclose(module(hidden), wanted, atol=1e-5 * scale)
    assert torch.allclose(module.merged()(hidden), wanted, atol=1e-5 * scale)


def test_its_dropout_is_of_its_own_inputs_and_only_in_training() -> None:
    module = LowRankLinear(nn.Linear(64, 64), LoraConfig(dropout=0.5))
    hidden = torch.randn(8, 64)
    assert torch.equal(module(hidden), module.base(hidden))
    nn.init.normal_(module.lora_B.weight)
    assert not torch.equal(module(hidden), module(hidden))
    module.eval()
    assert torch.equal(module(hidden), module(hidden))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match=r"lora.targets: this model has no 'gate'; it has query, "):
        Lora(LoraConfig(targets=["query", "gate"])).attach(bert())
    with pytest.raises(UserError, match="method 'lora' adapts a T5 or a BERT with a head"):
        Lora(LoraConfig()).attach(tiny.gpt())


def test_what_begins_at_zero_has_training_defaults_of_its_own() -> None:
    def training(**values: object) -> TrainingConfig:
        values = {"method": "lora", "training": values, "model": "m", "task": "rte"}
        return resolved(
            Recipe.check(values | {"data": {"train": ["f"]}}, "test"), FAMILIES["t5"]
        ).training

    assert (training().optimizer, training().learning_rate) == ("adamw", 1e-3)
    assert training(learning_rate=3e-4).learning_rate == 3e-4
    assert training(optimizer="adamw").learning_rate == 1e-3
    named = training(optimizer="adafactor")
    assert (named.optimizer, named.learning_rate, named.schedule) == ("adafactor", 1e-3, "constant")


def test_a_rank_above_the_matrix_s_own_is_refused() -> None:
    with pytest.raises(UserError, match=r"lora.rank = 17: query is 16 x 16, of rank 16 at most"):
        Lora(LoraConfig(rank=17)).attach(bert())
    Lora(LoraConfig(rank=16)).attach(bert())


def test_a_table_of_another_method_is_refused_and_not_written_down() -> None:
    values = {"model": "m", "task": "rte", "data": {"train": ["a"]}, "method": "adapters"}
    with pytest.raises(UserError, match=r"\[lora\] is for method = 'lora'; this is 'adapters'"):
        Recipe.check(values | {"lora": {"rank": 4}}, "test")
    written = Recipe.check(values | {"adapters": {"size": 4}}, "test").to_toml()
    assert "[adapters]" in written and "[lora]" not in written
