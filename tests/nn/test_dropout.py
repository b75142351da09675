"""Our dropout drops with probability p, keeps the mean, and repeats by torch's seed."""

import pytest
import torch

from headwater.nn.dropout import Dropout


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_share_and_scale(share: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    count = 1_000_003  # not a multiple of four: the last draw is cut
    dropped = Dropout(share)(torch.ones(count, dtype=dtype))
    found = (dropped == 0).double().mean().item()
    deviation = (share * (1 - share) / count) ** 0.5
    assert abs(found - share) < 5 * deviation + 1 / 65_536
    kept = dropped[dropped != 0].double()
    assert kept.min() == kept.max()
    assert kept[0].item() == pytest.approx(
        1 / (1 - share), rel=1e-2 if dtype == torch.bfloat16 else 1e-3
    )


def test_neighbors_are_dropped_independently() -> None:
    torch.manual_seed(1)
    kept = (Dropout(0.5)(torch.ones(400_000)) > 0).double()
    for distance in (1, 2, 3, 4, 5):
        together = (kept[:-distance] * kept[distance:]).mean().item()
        assert abs(together - 0.25) < 0.005


def test_the_seed_decides_and_each_call_draws_anew() -> None:
    layer, ones = Dropout(0.3), torch.ones(7, 11)
    torch.manual_seed(5)
    first, second = layer(ones), layer(ones)
    torch.manual_seed(5)
    assert torch.equal(first, layer(ones))
    assert not torch.equal(first, second)


def test_the_gradient_passes_through_what_was_kept() -> None:
    values = torch.randn(50, 3, requires_grad=True)
    dropped = Dropout(0.4)(values)
    dropped.sum().backward()
    assert values.grad is not None
    assert torch.allclose(values.grad * values.detach(), dropped.detach())


def test_nothing_happens_in_evaluation_or_at_share_zero() -> None:
    values = torch.randn(5)
    assert Dropout(0.4).eval()(values) is values
    assert Dropout(0.0)(values) is values
