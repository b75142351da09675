"""What enters each layer of a stack, which is what the one below it gives."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def entering(layers: nn.ModuleList) -> Iterator[list[Tensor]]:
    """Keep what enters each layer while the block lasts."""
    entered: list[Tensor] = []
    thread = threading.get_ident()  # others may be using the same body

    def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
        if threading.get_ident() == thread:
            entered.append(given[0])

    handles = [layer.register_forward_pre_hook(hook) for layer in layers]
    try:
        yield entered
    finally:
        for handle in handles:
            handle.remove()
