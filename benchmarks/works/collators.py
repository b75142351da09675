"""Batches as others make them: rows cut from joined texts, and T5's published noise."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from headwater.corpus.store import TokenStore
from headwater.text.vocabulary import Vocabulary

Ids = NDArray[np.int32]
Segmentation = Callable[[int, int], NDArray[np.int64]]
"""From a number of items and one of segments to the length of each segment."""


def rows(
    store: TokenStore, length: int, before: Sequence[int] = (), after: Sequence[int] = ()
) -> Iterator[list[int]]:
    """Yield rows of joined documents, each between its special tokens, without end.

    This is how `run_mlm.py` and `run_clm.py` of `transformers` pack their texts (`group_texts`).
    """
    room: list[int] = []
    bounds = store.documents.tolist()
    while True:
        for begin, end in pairwise(bounds):
            room += [*before, *store.tokens[begin:end].tolist(), *after]
            while len(room) >= length:
                yield room[:length]
                room = room[length:]


def collated(texts: Iterator[list[int]], count: int, collator: Any) -> Iterator[dict[str, Any]]:
    """Yield batches of `count` rows by a collator of `transformers`."""
    while True:
        found = dict(collator([{"input_ids": next(texts)} for _ in range(count)]))
        found.pop("attention_mask", None)  # no row has padding
        yield found


def corrupted(
    texts: Iterator[list[int]], count: int, corrupt: Callable[[Ids], dict[str, Ids]]
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield batches of `count` rows with T5's noise."""
    while True:
        found = [corrupt(np.array(next(texts), np.int32)) for _ in range(count)]
        yield {
            name: torch.from_numpy(np.stack([each[name] for each in found])).long()
            for name in ("input_ids", "labels")
        }


def published_segmentation(items: int, segments: int) -> NDArray[np.int64]:
    """T5's _random_segmentation, operation by operation in numpy."""
    first = np.arange(items - 1) < segments - 1
    np.random.shuffle(first)
    number = np.cumsum(np.pad(first, [[1, 0]]))
    return np.unique(number, return_counts=True)[1]


def span_corruption(
    vocabulary: Vocabulary, segmentation: Segmentation = published_segmentation
) -> Callable[[Ids], dict[str, Ids]]:
    """Return T5's preprocessing of one text: random_spans_noise_mask, then its sentinels."""
    top = vocabulary.sentinel(0)

    def spans_mask(length: int) -> NDArray[np.bool_]:
        noise = min(max(round(length * 0.15), 1), length - 1)
        spans = max(round(noise / 3.0), 1)
        noisy, clean = segmentation(noise, spans), segmentation(length - noise, spans)
        starts = np.cumsum(np.stack([clean, noisy], axis=1).reshape(-1))[:-1]
        turns = np.zeros(length, np.int8)
        turns[starts] = 1
        return np.asarray(np.cumsum(turns) % 2 == 1)

    def with_sentinels(ids: Ids, noise: NDArray[np.bool_]) -> Ids:
        """noise_span_to_unique_sentinel."""
        previous = np.concatenate(([False], noise[:-1]))
        first = noise & ~previous
        sentinel = top + 1 - np.cumsum(first)
        return np.where(first, sentinel, ids)[~(noise & previous)]

    def corrupt(ids: Ids) -> dict[str, Ids]:
        noise = spans_mask(len(ids))
        inputs = np.append(with_sentinels(ids, noise), 1).astype(np.int32)
        targets = np.append(with_sentinels(ids, ~noise), 1).astype(np.int32)
        return {"input_ids": inputs, "labels": targets}

    return corrupt
