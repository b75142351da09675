"""How much of what a run measures on stands in what it trains on: of tasks, and of token stores."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from headwater.corpus.shards import AnyStore, ShardedStore
from headwater.corpus.store import Tokens
from headwater.data.matches import TestGrams
from headwater.doctor.finding import Finding, above
from headwater.doctor.lengths import spread
from headwater.runs.objective_component import ObjectiveComponent
from headwater.runs.task_component import TaskComponent

LEAKED = 0.01
"""A larger share of validation texts that stand in training texts is warned of."""

RUN = 32
"""A held-out document of a store that shares so many neighbouring tokens with training leaks."""

BLOCK, MOST_BLOCKS = 1 << 20, 64
"""Tokens of training text that are read together; so many blocks at most, evenly spread."""

_BASE = np.uint64(6364136223846793005)  # odd, hence with an inverse modulo 2**64 (Knuth)
_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))

Hashes = NDArray[np.uint64]


def task_leakage(component: TaskComponent) -> Iterator[Finding]:
    """Yield how many validation texts of a task stand in its training texts."""
    validation = component.data.validation
    if validation is None:
        return
    held = list(dict.fromkeys(each.passage for each in spread(validation)))
    grams, exact = TestGrams(held), {each.passage for each in component.data.training}
    for passage in exact:
        grams.read([passage], "train")
    leaked = sum(text in exact or grams.match(text).overlaps for text in held)
    share = leaked / max(1, len(held))
    said = (
        f"{leaked} of {len(held)} validation texts stand in training texts, whole or by 13 words."
    )
    yield above("leakage", round(share, 4), LEAKED, said, "data.held_out")


def store_leakage(component: ObjectiveComponent) -> Iterator[Finding]:
    """Yield how many held-out documents of an objective share a run of tokens with training."""
    if component.validation is None:
        return
    held = [hashes for hashes in map(runs_of, _documents(component.validation)) if len(hashes)]
    if not held:
        return
    wanted = np.unique(np.concatenate(held))
    seen = np.zeros(len(wanted), bool)
    read = 0
    for tokens in _blocks(component.stores):
        read += min(BLOCK, len(tokens))
        seen |= np.isin(wanted, runs_of(tokens))
    leaked = sum(bool(seen[np.searchsorted(wanted, hashes)].any()) for hashes in held)
    said = (
        f"{leaked} of {len(held)} held-out documents share {RUN} neighbouring tokens with "
        f"{read:,} tokens of training text."
    )
    share = round(leaked / len(held), 4)
    yield above("leakage", share, LEAKED, said, "headwater corpus build --without")


def runs_of(tokens: Tokens | NDArray[np.int32]) -> Hashes:
    """Return a hash of each run of `RUN` tokens, uint64 `[tokens - RUN + 1]`, modulo 2**64.

    The hash of those from i on is the sum of token[i + k] times base**k, from one running sum.
    """
    if len(tokens) < RUN:
        return np.empty(0, np.uint64)
    powers = np.cumprod(np.concatenate(([np.uint64(1)], np.full(len(tokens) - 1, _BASE))))
    back = np.cumprod(np.concatenate(([np.uint64(1)], np.full(len(tokens) - RUN, _INVERSE))))
    sums = np.concatenate(([np.uint64(0)], np.cumsum((tokens.astype(np.uint64) + 1) * powers)))
    hashes: Hashes = (sums[RUN:] - sums[:-RUN]) * back
    return hashes


def _documents(store: AnyStore) -> Iterator[NDArray[np.int32]]:
    """Yield the ids of some documents, evenly spread."""
    for index in spread(range(len(store))):
        part, inner = store.locate(index) if isinstance(store, ShardedStore) else (store, index)
        yield part.document(inner)


def _blocks(stores: Sequence[AnyStore]) -> Iterator[Tokens]:
    """Yield at most `MOST_BLOCKS` blocks, each with the tokens that its last run needs."""
    found: list[tuple[AnyStore, int, int]] = []
    for store in stores:
        sizes = (
            store.sizes[:, 0].tolist() if isinstance(store, ShardedStore) else [len(store.tokens)]
        )
        found += [
            (store, shard, begin)
            for shard, size in enumerate(sizes)
            for begin in range(0, size, BLOCK)
        ]
    for store, shard, begin in spread(found, MOST_BLOCKS):
        part = store.shard(shard) if isinstance(store, ShardedStore) else store
        yield part.tokens[begin : begin + BLOCK + RUN - 1]
