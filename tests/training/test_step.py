"""One step: the same gradient however it is split, clipping, and stopping at what is not finite."""

import numpy as np
import pytest
import torch

from headwater.data.batching import collate
from headwater.errors import UserError
from headwater.training.optimizers import build_optimizer
from headwater.training.step import Stepper, StepResult
from toy_training import ToyFeatures, ToyModel, toy_config

ROWS = np.arange(24)


def one_step(
    parts: int, dtype: torch.dtype = torch.float64, **changes: object
) -> tuple[ToyModel, StepResult]:
    torch.manual_seed(0)
    model = ToyModel(dropout=0.0).to(dtype)
    config = toy_config(**changes)
    stepper = Stepper(
        model, build_optimizer(model, config), config, torch.device("cpu"), torch.float32
    )
    features = ToyFeatures()
    batches = [collate([features[r] for r in part], 0) for part in np.array_split(ROWS, parts)]
    return model, stepper.run(batches, seed=1, step=1)


@pytest.mark.parametrize("parts", [2, 3, 5, 24])
@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_accumulated_step_equals_the_whole_one(parts: int, optimizer: str) -> None:
    whole, expected = one_step(1, optimizer=optimizer)
    split, found = one_step(parts, optimizer=optimizer)
    assert found.losses == pytest.approx(expected.losses, rel=1e-12)
    assert found.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-12)
    for (name, a), b in zip(whole.named_parameters(), split.parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        torch.testing.assert_close(b.grad, a.grad, rtol=1e-10, atol=1e-14, msg=name)
        torch.testing.assert_close(b, a, rtol=1e-9, atol=1e-12, msg=name)


def test_each_term_is_divided_by_its_own_whole_count() -> None:
    model, result = one_step(3, max_grad_norm=None)
    features = ToyFeatures()
    torch.manual_seed(0)
    fresh = ToyModel(dropout=0.0).double()
    batch = collate([features[r] for r in ROWS], 0)
    sums, counts = fresh.loss_sums(batch), fresh.loss_counts(batch)
    assert counts["word"] != counts["kind"]
    sum(sums[name] / counts[name] for name in sums).backward()  # type: ignore[union-attr]
    for name in sums:
        assert result.losses[name] == pytest.approx(
            float(sums[name].detach()) / counts[name], rel=1e-12
        )
    for a, b in zip(model.parameters(), fresh.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-10, atol=1e-14)


def test_a_step_needs_no_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*values: object) -> None:
        raise TypeError("MPS has no float64")

    monkeypatch.setattr(torch.Tensor, "double", refuse)
    result = one_step(3, torch.float32)[1]
    monkeypatch.undo()
    expected = one_step(1)[1]
    assert result.losses == pytest.approx(expected.losses, rel=1e-6)


def test_a_term_without_targets_adds_nothing() -> None:
    torch.manual_seed(0)
    model = ToyModel(dropout=0.0)
    config = toy_config()
    stepper = Stepper(
        model, build_optimizer(model, config), config, torch.device("cpu"), torch.float32
    )
    batch = collate([ToyFeatures()[r] for r in range(4)], 0)
    batch["labels"].fill_(-100)
    result = stepper.run([batch], 1, 1)
    assert result.losses["word"] == 0
    assert result.gradient_norm > 0


def test_clipping_bounds_the_gradient_and_reports_it_before() -> None:
    free, unclipped = one_step(2, max_grad_norm=None)
    bound, clipped = one_step(2, max_grad_norm=0.01)
    assert clipped.gradient_norm == unclipped.gradient_norm > 0.01
    after = torch.linalg.vector_norm(torch.cat([p.grad.flatten() for p in bound.parameters()]))
    assert float(after) == pytest.approx(0.01, rel=1e-3)
    for a, b in zip(bound.parameters(), free.parameters(), strict=True):
        torch.testing.assert_close(
            a.grad, b.grad * (0.01 / clipped.gradient_norm), rtol=1e-3, atol=0
        )


def broken_step(model: ToyModel, **changes: object) -> str:
    config = toy_config(**changes)
    stepper = Stepper(
        model, build_optimizer(model, config), config, torch.device("cpu"), torch.float32
    )
    before = [p.detach().clone() for p in model.parameters()]
    batch = collate([ToyFeatures()[r] for r in range(8)], 0)
    with pytest.raises(UserError) as error:
        stepper.run([batch], 1, step=17)
    for a, b in zip(before, model.parameters(), strict=True):
        assert torch.equal(a.nan_to_num(), b.detach().nan_to_num())
    return str(error.value)


def test_a_weight_that_is_not_finite_is_named() -> None:
    model = ToyModel()
    with torch.no_grad():
        model.dense.bias[3] = float("nan")
    message = broken_step(model)
    assert "step 17" in message
    assert "dense.bias" in message


def test_a_layer_that_overflows_is_named() -> None:
    model = ToyModel()
    with torch.no_grad():
        model.dense.bias.fill_(9.0)
        model.kind.weight.fill_(3e38)
    assert "layer kind (Linear)" in broken_step(model)


def test_a_gradient_that_is_not_finite_is_named() -> None:
    model = ToyModel()
    model.kind.weight.register_hook(lambda grad: grad * float("inf"))
    message = broken_step(model)
    assert "gradient of kind.weight" in message
    assert "norm" in message


def test_autocast_keeps_float32_weights_and_gradients() -> None:
    model = ToyModel()
    config = toy_config()
    optimizer = build_optimizer(model, config)
    stepper = Stepper(model, optimizer, config, torch.device("cpu"), torch.bfloat16)
    seen = []
    model.dense.register_forward_hook(lambda m, i, output: seen.append(output.dtype))
    stepper.run([collate([ToyFeatures()[r] for r in range(8)], 0)], 1, 1)
    assert seen == [torch.bfloat16]
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in model.parameters())


def test_decay_spares_vectors_and_frozen_weights_are_left_out() -> None:
    model = ToyModel()
    model.embedding.weight.requires_grad_(False)
    groups = build_optimizer(model, toy_config(weight_decay=0.1)).param_groups
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert decays[id(model.dense.weight)] == 0.1
    assert decays[id(model.dense.bias)] == 0.0
    assert id(model.embedding.weight) not in decays


def test_nothing_to_train_is_reported() -> None:
    model = ToyModel().requires_grad_(False)
    with pytest.raises(UserError, match="no parameter"):
        build_optimizer(model, toy_config())
