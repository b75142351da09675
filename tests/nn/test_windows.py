"""Means of windows: the plain definition, and its gradient."""

import pytest
import torch

from headwater.nn.windows import window_means


@pytest.mark.parametrize("window", [1, 2, 3, 5, 6, 7])
@pytest.mark.parametrize("positions", [1, 4, 20])
def test_a_mean_is_of_the_vectors_on_both_sides(window: int, positions: int) -> None:
    torch.manual_seed(0)
    vectors = torch.randn(2, positions + 2 * window, 3, dtype=torch.float64)
    means = window_means(vectors, window)
    assert means.shape == (2, positions, 3)
    for at in range(positions):
        around = vectors[:, at : at + 2 * window + 1].sum(1) - vectors[:, at + window]
        torch.testing.assert_close(means[:, at], around / (2 * window))


@pytest.mark.parametrize(("window", "positions"), [(1, 1), (1, 5), (5, 2), (4, 9)])
def test_the_gradient_is_that_of_the_means(window: int, positions: int) -> None:
    torch.manual_seed(0)
    vectors = torch.randn(2, positions + 2 * window, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given: window_means(given, window), vectors)
