"""Which sequences form which training step, and a batch of sequences as tensors.

A step is cut first and split into micro-batches afterwards, so `accumulate = k` with batches of
size N is by construction the same step as one batch of size k x N. Sequences are shuffled, gathered
in pools of about `POOL` steps, sorted by length inside a pool (those of like length then meet in a
batch, so little is padding) and the finished steps are shuffled once more. A small set has smaller
pools, hence batches that are nearly random (LOG.md, "small sets"). Pairs are padded on both sides:
a pool, large also for a small set, is parted by the length of the targets and each part sorted by
the inputs. What is short enough to be a label is not parted: batches would hold one label each.

Sequences that lie in shards (`data.shard_order`) have one length. A step of them is made when it is
looked at.

    plan = plan_epoch(features.lengths, tokens=4096, accumulate=2, seed=0, epoch=0)
    for step in plan:            # step: a list of micro-batches, each an array of indices
        for indices in step:
            batch = collate(features.features(indices, 0), pad_id=0)
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import cast, final, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headwater.data import order
from headwater.data.convert import IGNORED
from headwater.data.shard_order import ShardOrder, shard_counts

POOL = 64  # steps sorted together: more saves padding, fewer mixes lengths better
SMALL = 512  # an epoch of fewer steps than this ...
SMALL_POOLS = 32  # ... has pools of so small a part of it, in whole steps
PAIR_POOL = 512  # pairs must be alike in two lengths, which takes more to choose from
# Targets up to each of these lengths go together; labels ("not_entailment") are up to the first.
TARGET_GROUPS = np.array([8, 16, 32])

Indices = NDArray[np.int64]
Step = list[Indices]


def plan_epoch(
    lengths: NDArray[np.int64],
    target_lengths: NDArray[np.int64] | None = None,
    groups: NDArray[np.int64] | None = None,
    *,
    tokens: int | None = None,
    examples: int | None = None,
    accumulate: int = 1,
    seed: int = 0,
    epoch: int = 0,
) -> list[Step]:
    """Return every step of an epoch as lists of micro-batches; each sequence stands in exactly one.

    Args:
        lengths: `[sequences]`, the cost of each sequence in tokens.
        target_lengths: `[sequences]`, the share of it that the targets have, where they are padded
            apart from the inputs.
        groups: `[sequences]`; sequences of different groups share no step. None: all may.
        tokens: the most tokens in a micro-batch, padding included: sequences x longest, of pairs
            sequences x (longest input + longest target). A sequence that is longer alone makes a
            micro-batch of its own.
        examples: the most sequences in a micro-batch; give exactly one of `tokens` and `examples`.
        accumulate: a step holds so many times that much. Where a budget cannot be split evenly, a
            step has one micro-batch more rather than one that is too large.
    """
    assert (tokens is None) != (examples is None)
    if groups is None and (counts := shard_counts(lengths)) is not None:
        sides = _two_sides(lengths[:1], target_lengths)
        made = _ShardSteps(ShardOrder(counts, seed, epoch), sides, tokens, examples, accumulate)
        return cast(list[Step], made)  # a list that is made where it is looked at
    shuffled = order.permutation(seed, epoch, len(lengths))
    sides = _two_sides(lengths, target_lengths)
    steps: list[Step] = []
    for part in _parted(shuffled, groups):
        step = accumulate * (examples or _mean_sequences(lengths[part], tokens or 0))
        indices = _gathered(part, sides, step)
        cuts = _cuts([side[indices] for side in sides], step, (tokens or 0) * accumulate)
        steps += [_split(indices[a:b], sides, tokens, examples) for a, b in pairwise(cuts)]
    return [steps[index] for index in order.permutation(seed, epoch, len(steps), order.BATCHES)]


def _two_sides(lengths: Indices, targets: Indices | None) -> list[Indices]:
    """Return the lengths of inputs and targets, or of all where they are padded together."""
    if targets is None:
        return [lengths]
    targets = targets[: len(lengths)]
    return [lengths - targets, targets]


@final
class _ShardSteps(Sequence[Step]):
    """The steps of sequences in shards, all of one length on each side, made when asked for."""

    def __init__(
        self,
        order_of_epoch: ShardOrder,
        sizes: Sequence[Indices],
        tokens: int | None,
        examples: int | None,
        accumulate: int,
    ) -> None:
        self._order, self._limits = order_of_epoch, (tokens, examples)
        count = len(order_of_epoch)
        self._sides = [np.broadcast_to(size, count) for size in sizes]
        length = sum(int(size[0]) for size in sizes)
        self._size = accumulate * (examples or 0) or max(1, accumulate * (tokens or 0) // length)

    def __len__(self) -> int:
        return -(-len(self._order) // self._size)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"step {index} of {len(self)}")
        begin = index % len(self) * self._size
        indices = self._order.indices(begin, begin + self._size)
        return _split(indices, self._sides, *self._limits)


def _parted(indices: Indices, groups: NDArray[np.int64] | None) -> list[Indices]:
    """Part sequences by group."""
    if groups is None:
        return [indices]
    return [indices[groups[indices] == group] for group in np.unique(groups[indices])]


def _mean_sequences(lengths: NDArray[np.int64], tokens: int) -> int:
    """Return how many sequences a budget of tokens holds on average."""
    return max(1, int(tokens / max(1.0, float(lengths.mean())))) if len(lengths) else 1


def _gathered(indices: Indices, sides: Sequence[Indices], step: int) -> Indices:
    """Sort sequences by length, pool by pool, to and fro: where one ends the next begins."""
    pairs = len(sides) == 2 and sides[1][indices].max(initial=0) > TARGET_GROUPS[0]
    size = step * _pool_steps(-(-len(indices) // step), pairs)
    cuts = range(size, len(indices), size)
    pools = [_sorted(pool, sides) for pool in np.split(indices, cuts)]
    return np.concatenate([pool[:: -1 if odd % 2 else 1] for odd, pool in enumerate(pools)])


def _pool_steps(steps: int, pairs: bool) -> int:
    """Return how many of an epoch's steps are sorted by length together."""
    if pairs:
        return PAIR_POOL
    if steps >= SMALL:
        return POOL
    return max(1, -(-steps // SMALL_POOLS))


def _sorted(pool: Indices, sides: Sequence[Indices]) -> Indices:
    """Sort a pool so that neighbors are alike on every side."""
    if len(sides) == 1:
        return pool[np.argsort(sides[0][pool], kind="stable")]
    inputs, targets = (side[pool] for side in sides)
    groups = np.searchsorted(TARGET_GROUPS, targets)
    # To and fro: where one group ends at its longest inputs, the next begins with its own.
    ways = np.where(groups % 2 == 0, inputs, -inputs)
    return pool[np.lexsort((ways, groups))]


def _cuts(sides: Sequence[Indices], step: int, budget: int) -> NDArray[np.int64]:
    """Cut sorted sequences by a budget of tokens, or where there is none into equal numbers."""
    if budget:
        return _token_cuts(sides, budget)
    return np.append(np.arange(0, len(sides[0]), step), len(sides[0]))


def _token_cuts(sides: Sequence[Indices], budget: int) -> NDArray[np.int64]:
    """Cut sorted sequences where sequences x (the longest of each side) would pass the budget."""
    cuts = [0]
    while cuts[-1] < len(sides[0]):
        begin = cuts[-1]
        most = max(1, budget // max(1, sum(int(side[begin]) for side in sides)))
        near = [side[begin : begin + most] for side in sides]
        longest = np.sum([np.maximum.accumulate(side) for side in near], axis=0)
        padded = longest * np.arange(1, len(longest) + 1)
        cuts.append(begin + max(1, int(np.searchsorted(padded, budget, side="right"))))
    return np.array(cuts, dtype=np.int64)


def _split(
    indices: Indices, sides: Sequence[Indices], tokens: int | None, examples: int | None
) -> Step:
    """Split one step's sequences into even micro-batches, as few as keep to the limit."""
    if examples is not None:
        parts = -(-len(indices) // examples)
        return np.array_split(indices, parts)
    budget = tokens or 0
    padded = _padded(indices, sides)
    for parts in range(max(1, -(-padded // max(1, budget)) - 1), len(indices)):
        micro_batches = np.array_split(indices, parts)
        if all(_padded(each, sides) <= budget for each in micro_batches):
            return micro_batches
    return np.array_split(indices, len(indices))


def _padded(indices: Indices, sides: Sequence[Indices]) -> int:
    return len(indices) * sum(int(side[indices].max()) for side in sides)


def collate(
    features: Sequence[Mapping[str, np.ndarray]],
    pad_id: int,
    device: str | torch.device = "cpu",
    width: int = 0,
) -> dict[str, Tensor]:
    """Stack features into tensors on a device, padded on the right to the longest sequence.

    One-dimensional features become `[batch, length]`, single numbers `[batch]`. `*input_ids` are
    padded with `pad_id`, `*labels` with IGNORED, all else with 0. An
    `attention_mask` (bool, true on real tokens) is made from the lengths of `input_ids`.

    Args:
        width: the least length; 0: that of the longest sequence.
    """
    batch: dict[str, Tensor] = {}
    for name, first in features[0].items():
        values = [feature[name] for feature in features]
        dtype = np.float32 if np.issubdtype(np.asarray(first).dtype, np.floating) else np.int64
        if np.ndim(first) == 0:
            batch[name] = torch.from_numpy(np.array(values, dtype=dtype))
            continue
        fill = pad_id if name.endswith("input_ids") else IGNORED if name.endswith("labels") else 0
        lengths = [len(each) for each in values]
        table = np.full((len(values), max(width, *lengths)), fill, dtype=dtype)
        for index, each in enumerate(values):
            table[index, : lengths[index]] = each
        batch[name] = torch.from_numpy(table)
        if name == "input_ids":
            real = np.arange(table.shape[1]) < np.array(lengths)[:, None]
            batch["attention_mask"] = torch.from_numpy(real)
    return {name: tensor.to(device) for name, tensor in batch.items()}


def count_tokens(batch: Mapping[str, Tensor], pairs: bool) -> tuple[int, int]:
    """Return how many tokens a batch holds, and how many with its padding.

    Args:
        pairs: whether the labels are text of their own, as an encoder-decoder's targets are.
    """
    mask, labels = batch["attention_mask"], batch["labels"] if pairs else None
    if labels is None:
        return int(mask.sum()), mask.numel()
    return int(mask.sum()) + int((labels != IGNORED).sum()), mask.numel() + labels.numel()
