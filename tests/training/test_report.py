"""What a run says it trains, and what it says that this takes in memory."""

import pytest
import torch
from torch import nn

from headwater.device import peak_memory
from headwater.training.config import TrainingConfig
from headwater.training.memory import training_bytes, training_line
from headwater.training.optimizers import build_optimizer


def model() -> nn.Module:
    """A frozen matrix, one that Adafactor factors, one that it does not, and biases."""
    layers = nn.Sequential(nn.Linear(200, 150), nn.Linear(150, 130), nn.Linear(130, 10))
    layers[0].requires_grad_(False)
    return layers


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_the_bytes_are_those_of_the_tensors_after_a_step(optimizer: str) -> None:
    trained = model()
    config = TrainingConfig.check({"optimizer": optimizer}, "test")
    chosen = build_optimizer(trained, config)
    trained(torch.randn(3, 200)).sum().backward()
    chosen.step()
    tensors = [*trained.parameters(), *(p.grad for p in trained.parameters() if p.grad is not None)]
    for state in chosen.state.values():
        tensors += [each for name, each in state.items() if name != "step"]
    assert training_bytes(trained, config) == sum(each.nbytes for each in tensors)


def test_the_line_of_a_run() -> None:
    total, trained = 200 * 150 + 150 + 150 * 130 + 130 + 130 * 10 + 10, 150 * 130 + 130 + 1310
    line = training_line(model(), "lora", TrainingConfig())
    assert line == (
        f"lora: {trained:,} of {total:,} parameters train ({trained / total:.1%}); "
        "445 KiB for weights, gradients and moments"
    )


def test_the_peak_grows_with_what_is_held() -> None:
    before = peak_memory(torch.device("cpu"))
    assert before and before > 10**7
    held = torch.ones(before // 4)  # as much again
    after = peak_memory(torch.device("cpu"))
    assert after and after > max(before, held.nbytes)
