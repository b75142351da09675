"""Each group of parameters learns at its own rate."""

import pytest
import torch

import tiny
from headwater.errors import UserError
from headwater.models.build import Model
from headwater.training.config import TrainingConfig
from headwater.training.optimizers import build_optimizer, rate_factors, set_learning_rate


def bert() -> Model:
    return tiny.bert("span")


def test_each_layer_learns_slower_than_the_one_above() -> None:
    names = [name for name, _ in bert().named_parameters()]
    factors = rate_factors(names, TrainingConfig(layer_decay=0.5))
    assert factors["head.dense.weight"] == 1.0
    assert factors["body.layers.1.attention.layer.query.weight"] == 0.5
    assert factors["body.layers.0.feedforward.norm.bias"] == 0.25
    assert factors["body.embeddings.token.weight"] == 0.125


def test_the_longest_name_counts_and_is_multiplied_by_the_decay() -> None:
    names = [name for name, _ in bert().named_parameters()]
    config = TrainingConfig(layer_decay=0.5, group_rates={"body": 0.1, "body.layers.1": 3.0})
    factors = rate_factors(names, config)
    assert factors["head.dense.weight"] == 1.0
    assert factors["body.layers.1.attention.layer.query.weight"] == 1.5
    assert factors["body.embeddings.token.weight"] == pytest.approx(0.0125)


def test_a_name_that_is_nowhere_is_an_error() -> None:
    names = [name for name, _ in bert().named_parameters()]
    with pytest.raises(UserError, match=r"group_rates: no trained parameter is in 'haed'; did you"):
        rate_factors(names, TrainingConfig(group_rates={"haed": 2.0}))


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_a_factor_of_zero_keeps_what_it_names(optimizer: str) -> None:
    model = bert()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    config = TrainingConfig(
        optimizer=optimizer, learning_rate=1e-2, group_rates={"body.embeddings": 0.0}
    )
    built = build_optimizer(model, config)
    set_learning_rate(built, 1e-2)
    ids, positions = torch.arange(6, 18).reshape(2, 6), torch.tensor([1, 2])
    batch = {"input_ids": ids, "start_positions": positions, "end_positions": positions}
    sum(model.loss_sums(batch).values()).backward()
    built.step()
    for name, parameter in model.named_parameters():
        kept = name.startswith("body.embeddings")
        assert torch.equal(parameter, before[name]) or not kept, name
    assert not torch.equal(model.get_parameter("head.dense.weight"), before["head.dense.weight"])
