"""What is frozen does not move by a bit, what trains learns as beside all the rest, and a run that
was cut continues to the bit.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tiny
from headwater.data.convert import EncodedPairs, FeatureSet
from headwater.data.token_arrays import Ragged
from headwater.methods.config import MethodConfig
from headwater.methods.method import Method
from headwater.methods.names import build_method
from headwater.models.build import Model
from headwater.text.framing import Framing
from headwater.training.config import TrainingConfig
from headwater.training.hooks import Hooks
from headwater.training.optimizers import build_optimizer
from headwater.training.trainer import Trainer

IDS = torch.arange(6, 18).reshape(2, 6)
BATCH = {"input_ids": IDS, "labels": IDS, "attention_mask": torch.ones_like(IDS).bool()}
SETTINGS: dict[str, dict[str, Any]] = {
    "adapters": {"method": "adapters", "adapters": {"size": 4, "after_attention": True}},
    "lora": {"method": "lora", "lora": {"rank": 2, "dropout": 0.1}},
    "head_only": {"method": "head_only"},
    "gradual_unfreezing": {"method": "gradual_unfreezing"},
}
STEPS = 8
CASES = pytest.mark.parametrize("family", ["bert", "t5"])
METHODS = pytest.mark.parametrize("method", SETTINGS)


def chosen(method: str) -> Method:
    return build_method(MethodConfig.check(SETTINGS[method], "test"))


def attached(family: str, method: str) -> Model:
    if family == "bert":
        model = tiny.bert("masked_lm")
    else:
        tied = method != "head_only"  # which needs an output layer of its own
        model = tiny.t5(tie_word_embeddings=tied)
    chosen(method).attach(model)
    return model


def adapted_model(family: str, method: str) -> Model:
    """Return a model before its third step, when gradual unfreezing has thawed a part of it."""
    model = attached(family, method)
    chosen(method).before_step(model, 3, STEPS)
    return model


def gradients(model: Model) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)  # the same dropout
    sum(model.loss_sums(BATCH).values()).backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@CASES
@METHODS
def test_gradients_are_those_of_full_training(family: str, method: str) -> None:
    full, frozen = adapted_model(family, method), adapted_model(family, method)
    for model in (full, frozen):
        with torch.no_grad():  # B and up are zero at first, and give A and down no gradient
            for name, parameter in model.named_parameters():
                if "lora_B" in name or "adapter.up" in name:
                    parameter.fill_(0.1)
    full.requires_grad_(True)
    wanted, found = gradients(full), gradients(frozen)
    trained = {name for name, p in frozen.named_parameters() if p.requires_grad}
    assert set(found) == trained and len(wanted) > len(found)
    for name in trained:
        assert torch.equal(found[name], wanted[name]), name


@CASES
@METHODS
@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_what_is_frozen_does_not_move_by_a_bit(family: str, method: str, optimizer: str) -> None:
    model = adapted_model(family, method)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    config = TrainingConfig.check({"optimizer": optimizer, "weight_decay": 0.1}, "test")
    built = build_optimizer(model, config)
    for _ in range(3):
        built.zero_grad(set_to_none=True)
        gradients(model)
        built.step()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) != parameter.requires_grad, name


def rows(family: str) -> FeatureSet:
    generator = torch.Generator().manual_seed(1)
    ids = [
        torch.randint(6, 40, (6,), generator=generator).numpy().astype("int32") for _ in range(16)
    ]
    return EncodedPairs(Ragged.of(ids), Ragged.of(ids), Framing((), (1,), 1))


class Killed(Exception):
    """What a test stops a run with."""


def run(
    family: str, method: str, folder: Path, kill_at: int | None = None, resume: bool = False
) -> nn.Module:
    model = attached(family, method)

    class Killing(Hooks):
        def before_step(self, model: nn.Module, step: int, total: int) -> None:
            if step == kill_at:
                raise Killed
            chosen(method).before_step(model, step, total)

    values = {
        "steps": STEPS,
        "learning_rate": 1e-2,
        "batch": {"examples": 4},
        "save_steps": 1,
        "device": "cpu",
    }
    config = TrainingConfig.check(values, "test")
    Trainer(model, rows(family), config, folder, pad_id=0, hooks=Killing()).run(resume)
    return model


@CASES
@METHODS
def test_a_run_is_continued_in_the_middle_to_the_bit(
    family: str, method: str, tmp_path: Path
) -> None:
    fresh = attached(family, method)
    whole = run(family, method, tmp_path / "whole")
    with pytest.raises(Killed):
        run(family, method, tmp_path / "cut", kill_at=5)
    again = run(family, method, tmp_path / "cut", resume=True)
    for (name, one), other, first in zip(
        whole.named_parameters(), again.parameters(), fresh.parameters(), strict=True
    ):
        assert torch.equal(one, other), name
        assert torch.equal(one, first) != one.requires_grad, name
