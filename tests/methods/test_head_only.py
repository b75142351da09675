"""A frozen body does not move by a bit, and its head learns as it would beside a moving one."""

import pytest
import torch

from headwater.errors import UserError
from headwater.methods.head_only import freeze
from headwater.models.bert_config import BertConfig
from headwater.models.build import Model, build_model
from headwater.models.t5_config import T5Config
from headwater.training.config import TrainingConfig
from headwater.training.optimizers import build_optimizer


def small_masked_lm() -> Model:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=40, intermediate_size=32, hidden_dropout_prob=0.0, **sizes)
    return build_model(config, "masked_lm")


def step_once(model: Model) -> dict[str, torch.Tensor]:
    """Take one step, and return the gradients by name."""
    ids = torch.arange(6, 18).reshape(2, 6)
    batch = {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids).bool()}
    optimizer = build_optimizer(model, TrainingConfig(learning_rate=1e-2))
    model.eval()
    sum(model.loss_sums(batch).values()).backward()
    optimizer.step()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def test_only_the_head_moves_and_by_the_gradients_of_full_training() -> None:
    before = {name: p.detach().clone() for name, p in small_masked_lm().named_parameters()}
    full, frozen = small_masked_lm(), small_masked_lm()
    freeze(full, "all")
    freeze(frozen, "head_only")
    wanted, found = step_once(full), step_once(frozen)
    assert set(found) == {name for name in before if name.startswith("head.")}
    assert all(torch.equal(found[name], wanted[name]) for name in found)
    for name, parameter in frozen.named_parameters():
        assert torch.equal(parameter, before[name]) != name.startswith("head."), name


def test_a_model_without_a_head_is_refused() -> None:
    t5 = build_model(
        T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_heads=2, num_layers=1)
    )
    with pytest.raises(UserError, match="T5 models have no separate head"):
        freeze(t5, "head_only")
