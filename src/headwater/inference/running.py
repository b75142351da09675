"""How a network runs for inference: in eval mode, without gradients, in bf16 where that pays.

    with running(network) as fast:
        logits = fast(batch)

On a CPU with bf16, a transformer of some size runs as a packed copy of itself (`nn.packed`), which
is kept until its weights change. Others run under autocast, or in float32: so does what chooses
tokens, since in half precision likely ones become equal, and a T5 overflows in fp16.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import UnionType
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import nn

from headwater.device import choose_precision
from headwater.errors import UserError
from headwater.methods.lora import merge
from headwater.nn.block import PostNorm, PreNorm
from headwater.nn.output import OutputLayer
from headwater.nn.packed import pack, shared_copy

N = TypeVar("N", bound=nn.Module)

PRECISIONS = ("auto", "bf16", "fp32")

_SMALL = 1_000_000  # parameters below which bf16 gains nothing

_packed: WeakKeyDictionary[nn.Module, tuple[list[tuple[int, int]], nn.Module]] = WeakKeyDictionary()


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Switch dropout and gradients off, and put the network back into training after.

    A network that is already in eval mode is not touched: many threads may share it.
    """
    training = network.training
    if training:
        network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        if training:
            network.train()


@contextmanager
def running(network: N, precision: torch.dtype | None = None) -> Iterator[N]:
    """Yield what runs in place of a network: itself, or a packed copy.

    Args:
        precision: of the matrix products; None: by the processor and the size of the network.
    """
    weights, kinds = _content(network)
    device = device_of(network)
    precision = precision or _fast(weights)
    with evaluating(network):
        if precision == torch.bfloat16 and _can_pack(kinds, device):
            with autocast(torch.float32, device):
                yield _packed_copy(network, weights)
        else:
            exact = _holds(kinds, OutputLayer)
            with autocast(torch.float32 if exact else precision, device):
                yield network


def device_of(network: nn.Module) -> torch.device:
    """Return where a network is; one without parameters, which another engine runs, on the CPU."""
    return next((each.device for each in network.parameters()), torch.device("cpu"))


def autocast(precision: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which matrix products run in `precision`, whatever the caller's is.

    The cache of cast weights is shared by all threads and is not used; casting costs little
    compared with the products of a batch.
    """
    if precision == torch.float32:
        return torch.autocast(device.type, enabled=False)
    return torch.autocast(device.type, precision, cache_enabled=False)


def fast_precision(network: nn.Module) -> torch.dtype:
    """Return bf16 where the processor has it, and the network is large and in float32."""
    return _fast(_content(network)[0])


def _fast(weights: Sequence[nn.Parameter]) -> torch.dtype:
    size = sum(each.numel() for each in weights)
    if size < _SMALL or weights[0].dtype != torch.float32:
        return torch.float32
    return choose_precision("auto", weights[0].device)


def choose_products(name: str, device: torch.device) -> torch.dtype | None:
    """Return the precision of that name on a device; None is `auto`, by the network too."""
    if name not in PRECISIONS:
        raise UserError(f"precision {name!r}: expected {', '.join(PRECISIONS)}")
    return None if name == "auto" else choose_precision(name, device)


def _content(network: nn.Module) -> tuple[list[nn.Parameter], set[type[nn.Module]]]:
    """Return a network's parameters and the kinds of its modules.

    Asked for before every batch: torch's own walk, which names all, takes ten times as long.
    """
    weights: list[nn.Parameter] = []
    kinds: set[type[nn.Module]] = set()
    parts: list[nn.Module] = [network]
    for part in parts:
        kinds.add(type(part))
        weights += [each for each in part._parameters.values() if each is not None]
        parts += [each for each in part._modules.values() if each is not None]
    return list({id(each): each for each in weights}.values()), kinds


def _can_pack(kinds: Iterable[type[nn.Module]], device: torch.device) -> bool:
    """Tell whether the kernels are there, which torch's autocast does without, and their layers."""
    if device.type != "cpu" or choose_precision("auto", device) != torch.bfloat16:
        return False
    return _holds(kinds, PostNorm | PreNorm)


def _holds(kinds: Iterable[type[nn.Module]], kind: type[nn.Module] | UnionType) -> bool:
    return any(issubclass(each, kind) for each in kinds)


def _packed_copy(network: N, weights: Sequence[nn.Parameter]) -> N:
    """Return the packed copy of a network, made anew where its weights have changed."""
    state = [(each.data_ptr(), each._version) for each in weights]
    before, copy = _packed.get(network, (None, network))
    if before != state:
        copy = shared_copy(network)
        merge(copy)  # what a low-rank update adds costs nothing then
        pack(copy)
        copy.eval()
        _packed[network] = (state, copy)
    return copy  # type: ignore[return-value]
