"""Finding where a NaN or an infinity came from, once a step has already failed."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from headwater.device import seed_generators
from headwater.distributed.processes import first_of
from headwater.errors import Diverged
from headwater.models.losses import Batch
from headwater.training.parallel import Parallel


def refuse(
    parallel: Parallel,
    batches: Sequence[Batch],
    seed: int,
    step: int,
    losses: Mapping[str, float],
    device: torch.device,
    autocast: Callable[[], AbstractContextManager[object]],
) -> NoReturn:
    """Raise the error that names the step and, where it can be found, the source.

    The forward passes are run once more with the same seed, watching every layer's output.
    """
    bad = [name for name, value in losses.items() if not math.isfinite(value)]
    if bad:
        what = f"the loss ({', '.join(f'{name} = {losses[name]}' for name in bad)})"
    else:
        what = "the gradient's norm"
    source = bad_weight(parallel)
    if source is None and bad:
        source = _bad_layer(parallel, batches, seed, device, autocast)
    elif source is None:
        source = _first_bad(parallel, ((n, p.grad) for n, p in parallel.model.named_parameters()))
        source = source and f"the gradient of {source}"
    where = f"; first seen in {source}" if source else ""
    raise Diverged(
        f"step {step}: {what} is not finite{where}. The step was not applied and nothing saved "
        "was overwritten; lower the learning rate, or use precision fp32"
    )


def bad_weight(parallel: Parallel) -> str | None:
    """Return the first parameter that is not finite."""
    bad = _first_bad(parallel, parallel.model.named_parameters())
    return bad and f"parameter {bad}"


def _first_bad(parallel: Parallel, tensors: Iterable[tuple[str, Tensor | None]]) -> str | None:
    """Return the name of the first tensor that is not finite, in any process."""
    own = (
        name
        for name, tensor in tensors
        if tensor is not None and not bool(torch.isfinite(parallel.local(tensor)).all())
    )
    return first_of(parallel.processes.gather(next(own, None)))


def _bad_layer(
    parallel: Parallel,
    batches: Sequence[Batch],
    seed: int,
    device: torch.device,
    autocast: Callable[[], AbstractContextManager[object]],
) -> str | None:
    found: list[str] = []

    def watch(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if not found and not all(bool(torch.isfinite(t).all()) for t in _floats(output)):
                found.append(f"the output of layer {name} ({type(module).__name__})")

        return hook

    named = parallel.model.named_modules()
    hooks = [m.register_forward_hook(watch(name)) for name, m in named if name]
    seed_generators(device, seed)
    try:
        with torch.no_grad():
            for batch in batches:
                moved = {name: tensor.to(device) for name, tensor in batch.items()}
                with autocast():
                    parallel.loss_sums(moved)
    finally:
        for handle in hooks:
            handle.remove()
    return first_of(parallel.processes.gather(found[0] if found else None))


def _floats(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _floats(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _floats(item)
