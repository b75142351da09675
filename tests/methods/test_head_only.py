"""A frozen body does not move by a bit, and its head learns as it would beside a moving one."""

from pathlib import Path

import pytest
import torch

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.methods.config import MethodConfig
from headwater.methods.freezing import HeadOnly
from headwater.methods.names import build_method
from headwater.models.build import Model
from headwater.models.t5.network import T5
from headwater.training.config import TrainingConfig
from headwater.training.optimizers import build_optimizer


def small_masked_lm() -> Model:
    return tiny.bert("masked_lm", num_hidden_layers=1, hidden_dropout_prob=0.0)


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
    build_method(MethodConfig(method="all")).attach(full)
    build_method(MethodConfig(method="head_only")).attach(frozen)
    wanted, found = step_once(full), step_once(frozen)
    assert set(found) == {name for name in before if name.startswith("head.")}
    assert all(torch.equal(found[name], wanted[name]) for name in found)
    for name, parameter in frozen.named_parameters():
        assert torch.equal(parameter, before[name]) != name.startswith("head."), name


def test_a_body_without_a_head_is_refused() -> None:
    model = tiny.bert()
    with pytest.raises(UserError, match="Bert models have no separate head"):
        HeadOnly().attach(model)


def small_t5(tied: bool) -> T5:
    model = tiny.t5(tie_word_embeddings=tied, scale_decoder_outputs=tied)
    assert isinstance(model, T5)
    return model.eval()


@pytest.mark.parametrize("tied", [True, False])
def test_the_head_of_a_t5_is_its_output_layer(tied: bool, tmp_path: Path) -> None:
    model = small_t5(tied)
    ids = torch.arange(6, 18).reshape(2, 6)
    batch = {"input_ids": ids, "labels": ids}
    before = model(batch)
    HeadOnly().attach(model)
    assert torch.allclose(model(batch), before, atol=1e-5)
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    assert trained == ["output.weight"]
    save_model(tmp_path / "model", model)
    again = load_model(tmp_path / "model").model
    assert torch.equal(again(batch), model(batch))
