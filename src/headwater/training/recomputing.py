"""Gradient checkpointing: what layers compute inside is computed again in the backward pass (Chen
et al. 2016, "Training Deep Nets with Sublinear Memory Cost", section 4).

Only what enters a layer is kept for the gradients. A step takes about a third longer, and its
activations the memory of one layer and of what stands between layers. Dropout is the same both
times, so that gradients are equal to the bit.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from headwater.errors import UserError
from headwater.nn.attention import KeyValueCache


@contextmanager
def recomputing(model: nn.Module) -> Iterator[None]:
    """Let the layers of every stack of a model compute twice in training, while the block lasts."""
    layers = layers_of(model)
    if not layers:
        raise UserError("gradient_checkpointing: this model has no stack of layers")
    for layer in layers:
        layer.forward = partial(_compute, layer, layer.forward)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def layers_of(model: nn.Module) -> list[nn.Module]:
    """Return the layers of all stacks of a model, each once."""
    found = (
        layer
        for name, stack in model.named_modules()
        if isinstance(stack, nn.ModuleList) and name.rpartition(".")[2] == "layers"
        for layer in stack
    )
    return list(dict.fromkeys(found))


def _compute(layer: nn.Module, forward: Callable[..., Any], *given: Any) -> Any:
    if not (layer.training and torch.is_grad_enabled()):
        return forward(*given)
    return checkpoint(partial(_afresh, forward), *given, use_reentrant=False)


def _afresh(forward: Callable[..., Any], *given: Any) -> Any:
    """Compute with caches of its own: the second time adds nothing to those of the first."""
    return forward(*map(_copied, given))


def _copied(value: Any) -> Any:
    if not isinstance(value, KeyValueCache):
        return value
    copy = KeyValueCache()
    copy.stored = value.stored
    return copy
