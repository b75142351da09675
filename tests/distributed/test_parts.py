"""A model in parts, in one process that stands for several."""

from typing import Any

import pytest
import torch

import tiny
from headwater.distributed.processes import Together
from headwater.models.build import build_model
from headwater.training import sharding
from headwater.training.sharding import Parts


def test_a_layer_is_let_go_as_soon_as_it_is_in_parts(
    together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card never holds the whole model while it is put into parts."""
    model = build_model(tiny.bert_config(num_hidden_layers=3), "masked_lm")
    held: list[int] = []
    shard = sharding.fully_shard

    def noted(part: Any, **given: Any) -> Any:
        held.append(sum(each.numel() for each in model.parameters()))
        return shard(part, **given)

    monkeypatch.setattr(sharding, "fully_shard", noted)
    whole = {name: each.clone() for name, each in model.named_parameters()}
    layer = sum(each.numel() for each in model.body.layers[0].parameters())
    parts = Parts(model, together, torch.device("cpu"), torch.float32, 30)
    assert held == [held[0] - number * layer for number in range(4)]
    assert not any(each.numel() for each in model.parameters())
    with parts.whole(everywhere=False):
        assert all(torch.equal(each, whole[name]) for name, each in model.named_parameters())
