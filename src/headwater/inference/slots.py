"""The key-value caches of sequences that are at different places, as one cache.

Each sequence has a slot: a row of every tensor. What was read and written as one text stands at the
end of its row, so that the next tokens of all are appended at once; an encoder's output stands at
the beginning. The rest is hidden by masks, and cut off once no sequence needs it. What is hidden
gets no weight and no position, so that a sequence does not depend on the others.

    own   . . a a a      memory   x x .
          b b b b b               y y y
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from headwater.models.body import Cache
from headwater.nn.attention import KeyValueCache, KeyValues
from headwater.nn.norm import at_least_float32


def slots(cache: Cache, copies: int = 1) -> Cache:
    """Return a cache of one sequence, as `init_cache` gives it without a mask, in slots.

    Args:
        copies: how many sequences go on from there.
    """
    own = [_begun(kept, number, cache) for number, kept in enumerate(cache.own)]
    keys = own[0].keys
    mask = torch.ones((1, cache.length), dtype=torch.bool, device=keys.device)
    bias = None
    if cache.memory:
        memory = at_least_float32(cache.memory[0].keys)
        bias = memory.new_zeros((1, 1, 1, memory.shape[2]))
    found = Cache(_stored(own), mask, cache.length, cache.memory, bias)
    found.reorder(torch.zeros(copies, dtype=torch.long, device=keys.device))
    return found


def joined(first: Cache, second: Cache) -> Cache:
    """Return the slots of both, those of `first` before."""
    both = (first, second)
    length = max(each.length for each in both)
    own = [
        _below(_wider(above, before=length), _wider(below, before=length))
        for above, below in zip(*map(_own, both), strict=True)
    ]
    mask = torch.cat([F.pad(_mask(each), (length - each.length, 0)) for each in both])
    if first.memory_bias is None or second.memory_bias is None:  # of one stack, which has no memory
        return Cache(_stored(own), mask, length)
    biases = (first.memory_bias, second.memory_bias)
    inputs = max(each.shape[-1] for each in biases)
    memory = [
        _below(_wider(above, after=inputs), _wider(below, after=inputs))
        for above, below in zip(first.memory, second.memory, strict=True)
    ]
    least = torch.finfo(biases[0].dtype).min
    bias = torch.cat([F.pad(each, (0, inputs - each.shape[-1]), value=least) for each in biases])
    return Cache(_stored(own), mask, length, memory, bias)


def kept(cache: Cache, rows: Sequence[int]) -> Cache:
    """Return the slots of those rows, at least one, without what is hidden in all of them."""
    indices = torch.tensor(rows, device=_mask(cache).device)
    mask = _mask(cache)[indices]
    length = int(mask.sum(1).max())
    own = [_chosen(each, indices, slice(cache.length - length, None)) for each in _own(cache)]
    mask = mask[:, cache.length - length :]
    if cache.memory_bias is None:
        return Cache(_stored(own), mask, length)
    bias = cache.memory_bias[indices]
    inputs = int((bias == 0).sum(-1).max())
    memory = [_chosen(each, indices, slice(inputs)) for each in cache.memory]
    return Cache(_stored(own), mask, length, memory, bias[..., :inputs])


def _begun(kept: KeyValueCache, layer: int, cache: Cache) -> KeyValues:
    """Return what a layer keeps; of a decoder that has not read yet, of the shape of its memory."""
    if kept.stored is not None:
        return kept.stored
    return KeyValues(*(each[:, :, :0] for each in cache.memory[layer]))


def _mask(cache: Cache) -> Tensor:
    assert cache.mask is not None
    return cache.mask


def _own(cache: Cache) -> list[KeyValues]:
    return [each.stored for each in cache.own if each.stored is not None]


def _stored(pairs: Sequence[KeyValues]) -> list[KeyValueCache]:
    found = [KeyValueCache() for _ in pairs]
    for cache, pair in zip(found, pairs, strict=True):
        cache.stored = pair
    return found


def _wider(pair: KeyValues, *, before: int = 0, after: int = 0) -> KeyValues:
    """Fill keys and values `[rows, heads, length, width]` up to a length, before or after."""
    length = pair.keys.shape[2]
    filling = (0, 0, max(0, before - length), max(0, after - length))
    return KeyValues(*(F.pad(each, filling) for each in pair))


def _below(above: KeyValues, below: KeyValues) -> KeyValues:
    return KeyValues(*(torch.cat(each) for each in zip(above, below, strict=True)))


def _chosen(pair: KeyValues, rows: Tensor, part: slice) -> KeyValues:
    return KeyValues(*(each[:, :, part].index_select(0, rows) for each in pair))
