"""Writing text one token at a time, over a key-value cache.

The inputs are read once; each step feeds the last token of every row and reads the scores of the
next. Rows that have ended leave the batch.

    greedy     always the likeliest token
    sample     draw: temperature, then the k likeliest, then the likeliest with probability p
    beam       keep the best few partial texts (`beam.py`)
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from headwater.inference.beam import beam_search
from headwater.inference.decoding_config import DecodingConfig
from headwater.inference.writer import CacheT, Marks, Writer, Written


def write(
    network: Writer[CacheT],
    batch: Mapping[str, Tensor],
    marks: Marks,
    config: DecodingConfig,
    numbers: Sequence[int] | None = None,
) -> list[list[Written]]:
    """Write for each row of a batch: `beams` different texts, the best first, or one.

    Args:
        batch: `input_ids` and, where rows are padded, `attention_mask`, both `[batch, inputs]`;
            `start_ids` `[batch]` where each row begins to write after a token of its own.
        numbers: the number of each row among all inputs, by which its draws are seeded.
    """
    ids, mask = batch["input_ids"], batch.get("attention_mask")
    cache = network.init_cache(network.encode(ids, mask), mask)
    starts = batch.get("start_ids")
    last = ids.new_full((len(ids), 1), marks.start_id) if starts is None else starts[:, None]
    if config.beams > 1:
        return beam_search(network, cache, last, marks, config)
    numbers = range(len(ids)) if numbers is None else numbers
    draws = _draws(numbers, config).to(ids.device) if config.sample else None
    return [[text] for text in _one_by_one(network, cache, last, marks, config, draws)]


def _one_by_one(
    network: Writer[CacheT],
    cache: CacheT,
    last: Tensor,
    marks: Marks,
    config: DecodingConfig,
    draws: Tensor | None,
) -> list[Written]:
    """Write one text per row after the tokens `last` `[rows, 1]`.

    `draws` `[rows, max_length]` in 0..1 when tokens are drawn.
    """
    rows = len(last)
    texts: list[list[int]] = [[] for _ in range(rows)]
    total = torch.zeros(rows, device=last.device)  # float32: MPS has no float64
    alive = torch.arange(rows, device=last.device)
    for place in range(config.max_length):
        logits = network.step(last, cache)
        if draws is None:
            chosen = logits.argmax(-1)
        else:
            chosen = pick(keep_likely(logits, config), draws[alive, place])
        chances = torch.log_softmax(logits, -1).gather(1, chosen[:, None])[:, 0]
        total[alive] += chances.float()
        going = chosen != marks.eos_id
        if not bool(going.all()):
            kept = going.nonzero()[:, 0]
            alive, chosen = alive[kept], chosen[kept]
            if not len(alive):
                break
            cache.reorder(kept)
        for row, token in zip(alive.tolist(), chosen.tolist(), strict=True):
            texts[row].append(token)
        last = chosen[:, None]
    return [Written(ids, value) for ids, value in zip(texts, total.tolist(), strict=True)]


def keep_likely(logits: Tensor, config: DecodingConfig) -> Tensor:
    """Divide by the temperature and leave only the tokens that may be drawn; the rest is -inf.

    `[batch, vocabulary]` -> the same. At least one token stays.
    """
    logits = logits / config.temperature
    if config.top_k is not None and config.top_k < logits.shape[-1]:
        least = logits.topk(config.top_k).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if config.top_p is not None and config.top_p < 1:
        ordered, places = logits.sort(descending=True, stable=True)
        chances = ordered.softmax(-1)
        before = chances.cumsum(-1) - chances  # of the likelier ones
        ordered = ordered.masked_fill(before >= config.top_p, -torch.inf)
        logits = torch.empty_like(logits).scatter_(-1, places, ordered)
    return logits


def pick(logits: Tensor, draws: Tensor) -> Tensor:
    """Choose tokens `[batch]` by their probability, given draws `[batch]` even in 0..1."""
    chances = logits.float().softmax(-1)
    up_to = chances.cumsum(-1)
    chosen = torch.searchsorted(up_to, draws[:, None].to(up_to) * up_to[:, -1:], right=True)
    last_possible = chances.shape[-1] - 1 - chances.flip(-1).ne(0).int().argmax(-1)
    chosen = chosen.minimum(last_possible[:, None])  # rounding must not pass the end
    # A parallel sum may round a later total below an earlier one: nothing impossible is chosen.
    possible = chances.gather(1, chosen)[:, 0] > 0
    return torch.where(possible, chosen[:, 0], chances.argmax(-1))


def _draws(numbers: Sequence[int], config: DecodingConfig) -> Tensor:
    """Even draws in 0..1, `[rows, max_length]`, each row's from its own stream."""
    streams = [np.random.Generator(np.random.Philox(key=[config.seed, row])) for row in numbers]
    rows = [stream.random(config.max_length, dtype=np.float32) for stream in streams]
    return torch.from_numpy(np.stack(rows))
