"""The projected and clipped LSTM: its gradient, and torch's own where nothing is clipped."""

import pytest
import torch
from torch import Tensor, nn

from headwater.nn.lstm import ProjectedLSTM


def small_lstm(directions: int, cell_clip: float, projection_clip: float) -> ProjectedLSTM:
    torch.manual_seed(5)
    lstm = ProjectedLSTM(
        5, 4, 3, directions=directions, cell_clip=cell_clip, projection_clip=projection_clip
    )
    lstm.initialize()
    return lstm.double()


@pytest.mark.parametrize(
    "clips", [(0.0, 0.0), (0.25, 0.0), (0.0, 0.1), (0.25, 0.1)], ids=lambda clips: str(clips)
)
def test_the_gradient_is_that_of_small_changes(clips: tuple[float, float]) -> None:
    lstm = small_lstm(2, *clips)
    names = [name for name, _ in lstm.named_parameters()]

    def states(inputs: Tensor, *weights: Tensor) -> Tensor:
        named = dict(zip(names, weights, strict=True))
        found: Tensor = torch.func.functional_call(lstm, named, (inputs,))
        return found

    inputs = torch.randn(2, 6, 3, 5, dtype=torch.float64, requires_grad=True)
    weights = [p.detach().clone().requires_grad_() for p in lstm.parameters()]
    if clips[1]:
        clipped = (lstm(inputs).abs() >= clips[1]).double().mean()
        assert 0.1 < clipped < 0.9  # both sides of the bound are met
    assert torch.autograd.gradcheck(states, (inputs, *weights))


def test_without_clipping_it_is_torchs_own() -> None:
    lstm = small_lstm(1, 0, 0)
    theirs = nn.LSTM(5, 4, proj_size=3).double()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(lstm.input[0].T)
        theirs.weight_hh_l0.copy_(lstm.recurrent[0].T)
        theirs.weight_hr_l0.copy_(lstm.projection[0].T)
        theirs.bias_ih_l0.copy_(lstm.bias[0])
        theirs.bias_hh_l0.zero_()
    inputs = torch.randn(1, 6, 3, 5, dtype=torch.float64)
    expected, _ = theirs(inputs[0])
    assert (lstm(inputs)[0] - expected).abs().max() < 1e-12


def test_bounds_hold() -> None:
    lstm = small_lstm(2, 0.25, 0.1)
    states = lstm(3 * torch.randn(2, 6, 3, 5, dtype=torch.float64))
    assert states.abs().max() == 0.1
    free = small_lstm(2, 0, 0)(3 * torch.randn(2, 6, 3, 5, dtype=torch.float64))
    assert free.abs().max() > 0.1


def test_under_bf16_the_states_stay_float32() -> None:
    lstm = small_lstm(2, 3, 3).float()
    inputs = torch.randn(2, 6, 3, 5, requires_grad=True)
    exact = lstm(inputs)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = lstm(inputs)
    rounded.sum().backward()
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.02
    assert {p.grad.dtype for p in lstm.parameters() if p.grad is not None} == {torch.float32}
