"""Adafactor against the published formulas in numpy, and against `transformers` where they meet."""

from typing import Any

import numpy as np
import pytest
import torch

from headwater.training.adafactor import Adafactor

SHAPES = {"factored": (128, 130), "narrow": (127, 256), "vector": (300,), "stack": (2, 128, 129)}


def published(
    weight: np.ndarray, grads: list[np.ndarray], rate: float, factored: bool
) -> np.ndarray:
    """Shazeer & Stern 2018, algorithm 4 (or 5, unfactored), written from the paper."""
    weight = weight.copy()
    row = column = square = 0.0
    for t, grad in enumerate(grads, 1):
        scale = max(1e-3, float(np.sqrt(np.mean(weight**2))))
        beta2 = 1 - t**-0.8
        g2 = grad**2 + 1e-30
        if factored:  # R = row sums, C = column sums, V = R C / sum(R)
            row = beta2 * row + (1 - beta2) * g2.sum(-1, keepdims=True)
            column = beta2 * column + (1 - beta2) * g2.sum(-2, keepdims=True)
            v = row * column / np.sum(row, axis=-2, keepdims=True)
        else:
            square = beta2 * square + (1 - beta2) * g2
            v = square
        update = grad / np.sqrt(v)
        update = update / max(1.0, float(np.sqrt(np.mean(update**2))) / 1.0)
        weight = weight - rate * scale * update
    return weight


def run(weight: np.ndarray, grads: list[np.ndarray], optimizer_of: Any, rate: float) -> np.ndarray:
    parameter = torch.nn.Parameter(torch.from_numpy(weight.copy()))
    optimizer = optimizer_of([parameter], rate)
    for grad in grads:
        parameter.grad = torch.from_numpy(grad.copy())
        optimizer.step()
    return parameter.detach().numpy()


def made(shape: tuple[int, ...], scale: float = 1.0) -> tuple[np.ndarray, list[np.ndarray]]:
    generator = np.random.default_rng(0)
    weight = scale * generator.normal(size=shape)
    return weight, [generator.normal(size=shape) * 10.0**k for k in (-3, -2, 0, 1, -1)]


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("scale", [1.0, 0.0], ids=["weights", "zeros"])
def test_equals_the_published_formulas(name: str, scale: float) -> None:
    weight, grads = made(SHAPES[name], scale)
    ours = run(weight, grads, lambda p, lr: Adafactor(p, lr=lr), 0.01)
    expected = published(weight, grads, 0.01, factored=name in ("factored", "stack"))
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)
    assert np.abs(ours - weight).max() > 0


@pytest.mark.parametrize("name", ["factored", "vector"])
def test_equals_the_other_library_where_settings_coincide(name: str) -> None:
    # It factors every matrix, so only matrices of at least 128 on both sides are comparable.
    other = pytest.importorskip("transformers.optimization").Adafactor
    weight, grads = made(SHAPES[name])
    settings = {"scale_parameter": True, "relative_step": False, "warmup_init": False}
    theirs = run(weight, grads, lambda p, lr: other(p, lr=lr, **settings), 0.01)
    ours = run(weight, grads, lambda p, lr: Adafactor(p, lr=lr), 0.01)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)


def test_memory_is_factored_only_from_128_on_both_sides() -> None:
    for name, shape in SHAPES.items():
        parameter = torch.nn.Parameter(torch.ones(shape))
        optimizer = Adafactor([parameter])
        parameter.grad = torch.ones(shape)
        optimizer.step()
        assert ("row" in optimizer.state[parameter]) == (name in ("factored", "stack"))


def test_weight_decay_is_decoupled() -> None:
    parameter = torch.nn.Parameter(torch.full((4,), 2.0, dtype=torch.float64))
    optimizer = Adafactor([parameter], lr=0.1, weight_decay=0.5)
    parameter.grad = torch.zeros(4, dtype=torch.float64)
    optimizer.step()
    assert parameter.tolist() == pytest.approx([2.0 * (1 - 0.05)] * 4)
