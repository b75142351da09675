"""Counting what a training step takes, without taking it.

Numbers are PyTorch's fake tensors, which have a shape, a type and a size and hold nothing. Ids,
labels and masks are real, so that what is chosen by them ("the masked positions") has its real
size. Every tensor that a step makes is counted from its first to its last use, on the way forward
and on the way back; so are the multiplications.

    counter = Counter()
    with counter.building():
        model = empty_model(config, head)
    with counter:
        ...forward and backward...
    counter.peak
"""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    FakeTensor,
    FakeTensorMode,
    unset_fake_temporarily,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry

_ATEN = torch.ops.aten
_INDEXED = (
    _ATEN.index.Tensor,
    _ATEN.index_put.default,
    _ATEN.index_put_.default,
    _ATEN._index_put_impl_.default,
)
"""What takes a mask to choose by."""


@final
class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes that tensors hold while it is entered, and the FLOPs of matrix products.

    PyTorch's `FlopCounterMode` gives the same FLOPs, but keeps what recomputing would let go.

    Attributes:
        live: bytes held now by tensors that were made meanwhile.
        peak: the most that they ever were; may be set back.
        flops: of all products so far.

    Args:
        fake: whether numbers are fake; without, everything is computed as usual.
    """

    def __init__(self, *, fake: bool = True) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.peak = self.flops = 0
        self._known: set[int] = set()
        self._mode = FakeTensorMode(allow_non_fake_inputs=True) if fake else None

    @contextmanager
    def building(self) -> Iterator[None]:
        """Return a context in which what is built is fake, and not counted."""
        if self._mode is None:
            yield
            return
        with self._mode:
            yield

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Let an operation run on what it needs, and count what it gives."""
        found = self._run(func, args, kwargs or {})
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=found)
        there = {_storage(each) for each in _tensors((args, kwargs))}
        for each in _tensors(found):
            if _storage(each) not in there:  # a view of a weight holds nothing of its own
                self._count(each)
        return found

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._mode is None:
            return func(*args, **kwargs)
        given = _tensors((args, kwargs))
        if func is _ATEN.arange.start or func is _ATEN.arange.default:
            return func(*args, **kwargs)  # positions
        if given and not any(isinstance(each, FakeTensor) for each in given):
            found = func(*args, **kwargs)
            return tree_map_only(Tensor, self._without_numbers, found)
        if func is _ATEN._local_scalar_dense.default and args[0].dtype == torch.bool:
            return False  # "is one of them at its bound?"
        with self._mode:
            if func is _ATEN.nonzero.default:
                return _all_positions(args[0])
            if func in _INDEXED:
                args = (args[0], _positions(args[1]), *args[2:])
            return func(*args, **kwargs)

    def _without_numbers(self, tensor: Tensor) -> Tensor:
        assert self._mode is not None
        return self._mode.from_tensor(tensor) if tensor.is_floating_point() else tensor

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        size = storage.nbytes()
        self._known.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size


def _tensors(tree: Any) -> list[Tensor]:
    return [each for each in tree_leaves(tree) if isinstance(each, Tensor)]


def _storage(tensor: Tensor) -> int:
    key: int = tensor.untyped_storage()._cdata
    return key


def _positions(indices: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Replace masks by the positions that they choose."""
    found: list[Tensor | None] = []
    for each in indices:
        if each is None or each.dtype != torch.bool:
            found.append(each)
        elif isinstance(each, FakeTensor):
            found.extend(_all_positions(each).unbind(1))
        else:
            with unset_fake_temporarily():
                found.extend(each.nonzero(as_tuple=True))
    return found


def _all_positions(mask: Tensor) -> Tensor:
    """Return what a mask without numbers chooses at the most: `[elements, dimensions]`."""
    return torch.empty(mask.numel(), mask.ndim, dtype=torch.int64)
