"""Which rows form which training step, and a batch of rows as tensors.

A step is cut first and split into micro-batches afterwards, so `accumulate = k` with batches of
size N is by construction the same step as one batch of size k x N. Rows are shuffled, gathered
in pools of about `POOL` steps, sorted by length inside a pool (rows of like length then meet in a
batch, so little is padding) and the finished steps are shuffled once more. A small set has smaller
pools, hence batches that are nearly random (LOG.md, "small sets"). Pairs are padded on both sides:
a pool, large also for a small set, is parted by the length of the targets and each part sorted by
the inputs. What is short enough to be a label is not parted: batches would hold one label each.

    plan = plan_epoch(features.lengths, tokens=4096, accumulate=2, seed=0, epoch=0)
    for step in plan:            # step: a list of micro-batches, each an array of row numbers
        for rows in step:
            batch = collate([features[row] for row in rows], pad_id=0)
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headwater.data import order
from headwater.data.convert import IGNORED

POOL = 64  # steps sorted together: more saves padding, fewer mixes lengths better
SMALL = 512  # an epoch of fewer steps than this ...
SMALL_POOLS = 32  # ... has pools of so small a part of it, in whole steps
PAIR_POOL = 512  # pairs must be alike in two lengths, which takes more to choose from
# Targets up to each of these lengths go together; labels ("not_entailment") are up to the first.
TARGET_GROUPS = np.array([8, 16, 32])

Rows = NDArray[np.int64]
Step = list[Rows]


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
    """Return every step of an epoch as lists of micro-batches; each row stands in exactly one.

    Args:
        lengths: `[rows]`, the cost of each row in tokens.
        target_lengths: `[rows]`, the share of it that the targets have, where they are padded
            apart from the inputs.
        groups: `[rows]`; rows of different groups share no step. None: all may.
        tokens: the most tokens in a micro-batch, padding included: rows x longest row, of pairs
            rows x (longest input + longest target). A row that is longer alone makes a
            micro-batch of its own.
        examples: the most rows in a micro-batch; exactly one of `tokens` and `examples` is given.
        accumulate: a step holds `accumulate` times that much. Where a token budget cannot be
            split evenly, a step has one micro-batch more rather than one that is too large.
    """
    assert (tokens is None) != (examples is None)
    shuffled = order.permutation(seed, epoch, len(lengths))
    sides = [lengths] if target_lengths is None else [lengths - target_lengths, target_lengths]
    steps: list[Step] = []
    for part in _parted(shuffled, groups):
        step = accumulate * (examples or _mean_rows(lengths[part], tokens or 0))
        rows = _gathered(part, sides, step)
        if examples is not None:
            cuts = np.append(np.arange(0, len(rows), step), len(rows))
        else:
            cuts = _token_cuts([side[rows] for side in sides], (tokens or 0) * accumulate)
        for begin, end in pairwise(cuts):
            steps.append(_split(rows[begin:end], sides, tokens, examples))
    shuffle = order.permutation(seed, epoch, len(steps), order.BATCHES)
    return [steps[place] for place in shuffle]


def _parted(rows: Rows, groups: NDArray[np.int64] | None) -> list[Rows]:
    """Part rows by group."""
    if groups is None:
        return [rows]
    return [rows[groups[rows] == group] for group in np.unique(groups[rows])]


def _mean_rows(lengths: NDArray[np.int64], tokens: int) -> int:
    """Return how many rows a budget of tokens holds on average."""
    return max(1, int(tokens / max(1.0, float(lengths.mean())))) if len(lengths) else 1


def _gathered(rows: Rows, sides: Sequence[Rows], step: int) -> Rows:
    """Sort shuffled rows by length, pool by pool, to and fro: where one ends the next begins."""
    pairs = len(sides) == 2 and sides[1][rows].max(initial=0) > TARGET_GROUPS[0]
    size = step * _pool_steps(-(-len(rows) // step), pairs)
    cuts = range(size, len(rows), size)
    pools = [_sorted(pool, sides) for pool in np.split(rows, cuts)]
    return np.concatenate([pool[:: -1 if odd % 2 else 1] for odd, pool in enumerate(pools)])


def _pool_steps(steps: int, pairs: bool) -> int:
    """Return how many of an epoch's steps are sorted by length together."""
    if pairs:
        return PAIR_POOL
    if steps >= SMALL:
        return POOL
    return max(1, -(-steps // SMALL_POOLS))


def _sorted(pool: Rows, sides: Sequence[Rows]) -> Rows:
    """Sort a pool so that neighbors are alike on every side."""
    if len(sides) == 1:
        return pool[np.argsort(sides[0][pool], kind="stable")]
    inputs, targets = (side[pool] for side in sides)
    groups = np.searchsorted(TARGET_GROUPS, targets)
    # To and fro: where one group ends at its longest inputs, the next begins with its own.
    ways = np.where(groups % 2 == 0, inputs, -inputs)
    return pool[np.lexsort((ways, groups))]


def _token_cuts(sides: Sequence[Rows], budget: int) -> NDArray[np.int64]:
    """Cut sorted rows where rows x (the longest of each side) would pass the budget."""
    cuts = [0]
    while cuts[-1] < len(sides[0]):
        begin = cuts[-1]
        most = max(1, budget // max(1, sum(int(side[begin]) for side in sides)))
        near = [side[begin : begin + most] for side in sides]
        longest = np.sum([np.maximum.accumulate(side) for side in near], axis=0)
        padded = longest * np.arange(1, len(longest) + 1)
        cuts.append(begin + max(1, int(np.searchsorted(padded, budget, side="right"))))
    return np.array(cuts, dtype=np.int64)


def _split(rows: Rows, sides: Sequence[Rows], tokens: int | None, examples: int | None) -> Step:
    """Split one step's rows into even micro-batches, as few as keep to the limit."""
    if examples is not None:
        parts = -(-len(rows) // examples)
        return np.array_split(rows, parts)
    budget = tokens or 0
    padded = _padded(rows, sides)
    for parts in range(max(1, -(-padded // max(1, budget)) - 1), len(rows)):
        micro_batches = np.array_split(rows, parts)
        if all(_padded(each, sides) <= budget for each in micro_batches):
            return micro_batches
    return np.array_split(rows, len(rows))


def _padded(rows: Rows, sides: Sequence[Rows]) -> int:
    return len(rows) * sum(int(side[rows].max()) for side in sides)


def collate(
    features: Sequence[Mapping[str, np.ndarray]], pad_id: int, device: str | torch.device = "cpu"
) -> dict[str, Tensor]:
    """Stack rows of features into tensors on a device, padded on the right to the longest row.

    One-dimensional features become `[batch, length]`, single numbers `[batch]`. `*input_ids` are
    padded with `pad_id`, `*labels` with IGNORED, all else with 0. An
    `attention_mask` (bool, true on real tokens) is made from the lengths of `input_ids`.
    """
    batch: dict[str, Tensor] = {}
    for name, first in features[0].items():
        rows = [feature[name] for feature in features]
        dtype = np.float32 if np.issubdtype(np.asarray(first).dtype, np.floating) else np.int64
        if np.ndim(first) == 0:
            batch[name] = torch.from_numpy(np.array(rows, dtype=dtype))
            continue
        fill = pad_id if name.endswith("input_ids") else IGNORED if name.endswith("labels") else 0
        lengths = [len(row) for row in rows]
        table = np.full((len(rows), max(lengths)), fill, dtype=dtype)
        for place, row in enumerate(rows):
            table[place, : lengths[place]] = row
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
