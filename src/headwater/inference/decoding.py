"""Generating text one token at a time, over a key-value cache.

The inputs are read once; each step reads the last token of every sequence and gives the logits of
the next. Sequences that have ended leave the batch.

    greedy search   always the likeliest token
    sampling        temperature, then the k likeliest, then the likeliest with probability p
    beam search     keep the best few partial texts (`beam_search.py`)
"""

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from headwater.inference.beam_search import beam_search, ends_text
from headwater.inference.generated import DecoderTokens, Generated
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.logits import constrain, first_history
from headwater.models.body import Cache, GeneratingBody

_ROUNDING = 16  # of epsilon: logits and sums of probabilities are off by so much


def generate_ids(
    network: GeneratingBody,
    batch: Mapping[str, Tensor],
    special: DecoderTokens,
    config: GenerationConfig,
    indices: Sequence[int] | None = None,
    together: int | None = None,
) -> list[list[Generated]]:
    """Generate `num_return_sequences` texts for each input of a batch, the best first.

    Args:
        batch: `input_ids` and, with padding, `attention_mask`, both `[batch, inputs]`. A prompt to
            continue has its last token in `start_ids` `[batch]`.
        indices: those of the inputs among all inputs, which seed their draws.
        together: how many input tokens are read at once, of inputs the longest first; None: all.
    """
    special = special.changed(config)
    ids, mask = batch["input_ids"], batch.get("attention_mask")
    cache = network.init_cache(_read(network, ids, mask, together), mask)
    starts = batch.get("start_ids")
    last = ids.new_full((len(ids), 1), special.start_id) if starts is None else starts[:, None]
    history = first_history(batch, last) if config.constrained else None
    if config.num_beams > 1:
        return beam_search(network, cache, last, special, config, history)
    if not config.do_sample:
        return [[each] for each in _one_by_one(network, cache, last, special, config, history)]
    several = config.num_return_sequences
    draws = even_draws(range(len(ids)) if indices is None else indices, config).to(ids.device)
    if several > 1:
        copies = torch.arange(len(ids), device=ids.device).repeat_interleave(several)
        cache.reorder(copies)
        last, history = last[copies], None if history is None else history[copies]
    drawn = _one_by_one(network, cache, last, special, config, history, draws)
    return [drawn[begin : begin + several] for begin in range(0, len(drawn), several)]


def _read(
    network: GeneratingBody, ids: Tensor, mask: Tensor | None, together: int | None
) -> Tensor:
    """Return the memory `[batch, inputs, width]`, read part by part.

    A step that writes costs little more for more sequences; reading gains nothing from large
    batches.
    """
    if together is None or mask is None or not ids.shape[1]:
        return network.encode(ids, mask)
    lengths, parts, begin = mask.sum(1).tolist(), [], 0
    while begin < len(ids):
        longest = max(1, lengths[begin])
        rows = slice(begin, begin + max(1, together // longest))
        part = network.encode(ids[rows, :longest], mask[rows, :longest])
        parts.append(F.pad(part, (0, 0, 0, ids.shape[1] - longest)))
        begin = rows.stop
    return torch.cat(parts)


def _one_by_one(
    network: GeneratingBody,
    cache: Cache,
    last: Tensor,
    special: DecoderTokens,
    config: GenerationConfig,
    history: Tensor | None,
    draws: Tensor | None = None,
) -> list[Generated]:
    """Generate one text per sequence after the tokens `last` `[sequences, 1]`."""
    texts: list[list[int]] = [[] for _ in last]
    total = torch.zeros(len(last), device=last.device)  # float32: MPS has no float64
    steps = Steps(cache, last, special, config, history, draws)
    while not steps.ended:
        before = steps.alive
        total[before] += steps.take(network)
        for index, token in zip(steps.alive.tolist(), steps.last[:, 0].tolist(), strict=True):
            texts[index].append(token)
    return [Generated(ids, value) for ids, value in zip(texts, total.tolist(), strict=True)]


@final
class Steps:
    """Greedy search or sampling, step by step; sequences that have ended leave.

    Attributes:
        alive: the numbers of the sequences that go on, `[alive]`.
        last: the last token of each, `[alive, 1]`.

    Args:
        last: what the first step reads, `[sequences, 1]`.
        history: what `constrain` looks at; None where no option needs it.
        draws: `[sequences, max_new_tokens]` in 0..1 where tokens are drawn.
    """

    def __init__(
        self,
        cache: Cache,
        last: Tensor,
        special: DecoderTokens,
        config: GenerationConfig,
        history: Tensor | None = None,
        draws: Tensor | None = None,
    ) -> None:
        self._cache, self._special, self._config = cache, special, config
        self._history, self._draws = history, draws
        self.last = last
        self.alive = torch.arange(len(last), device=last.device)
        self._taken = 0

    @property
    def ended(self) -> bool:
        """Whether every sequence has ended, or is as long as it may be."""
        return not len(self.alive) or self._taken >= self._config.max_new_tokens

    def take(self, network: GeneratingBody) -> Tensor:
        """Choose the next token of each sequence; return their log probabilities `[alive]`.

        What ends a sequence counts in them, and not in `last`.
        """
        logits = network.step(self.last, self._cache)
        draws = None if self._draws is None else self._draws[self.alive, self._taken]
        ends = self._special.eos_ids
        chosen = choose(logits, self._history, self._taken, ends, self._config, draws)
        chances = torch.log_softmax(logits, -1).gather(1, chosen[:, None])[:, 0]
        self._taken += 1
        self._go_on(chosen)
        return chances.float()

    def _go_on(self, chosen: Tensor) -> None:
        going = ~ends_text(chosen, self._special.eos_ids)
        if not bool(going.all()):
            kept = going.nonzero()[:, 0]
            self.alive, chosen = self.alive[kept], chosen[kept]
            if len(kept):
                self._cache.reorder(kept)
            self._history = None if self._history is None else self._history[kept]
        self.last = chosen[:, None]
        if self._history is not None:
            self._history = torch.cat([self._history, self.last], 1)


def choose(
    logits: Tensor,
    history: Tensor | None,
    taken: int,
    eos_ids: Sequence[int],
    config: GenerationConfig,
    draws: Tensor | None,
) -> Tensor:
    """Choose the next token of each sequence `[batch]`, after so many `taken` ones.

    Args:
        logits: `[batch, vocabulary]`.
        history: what `constrain` looks at; None where no option needs it.
        draws: `[batch]` in 0..1 where tokens are drawn.
    """
    if history is not None:
        logits = constrain(logits, history, taken, eos_ids, config)
    if draws is None:
        return logits.argmax(-1)
    return pick(keep_likely(logits, config), draws)


def keep_likely(logits: Tensor, config: GenerationConfig) -> Tensor:
    """Divide by the temperature and leave only the tokens that may be drawn; the rest is -inf.

    `[batch, vocabulary]` -> the same. At least one token stays.
    """
    logits = logits / config.temperature
    if config.top_k is not None and config.top_k < logits.shape[-1]:
        least = logits.topk(config.top_k).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if config.top_p is not None and config.top_p < 1:
        ordered, tokens = logits.sort(descending=True, stable=True)
        chances = ordered.softmax(-1)
        before = chances.cumsum(-1) - chances  # of the likelier ones
        rounding = _ROUNDING * torch.finfo(chances.dtype).eps
        ordered = ordered.masked_fill(before >= config.top_p - rounding, -torch.inf)
        logits = torch.empty_like(logits).scatter_(-1, tokens, ordered)
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


def even_draws(indices: Sequence[int], config: GenerationConfig) -> Tensor:
    """Return even draws in 0..1, `[inputs x num_return_sequences, max_new_tokens]`.

    Each sequence has its own stream, so that it depends on no other and on no other option.
    """
    streams = [
        np.random.Generator(np.random.Philox(key=[config.seed, index]).jumped(copy))
        for index in indices
        for copy in range(config.num_return_sequences)
    ]
    return torch.from_numpy(
        np.stack([each.random(config.max_new_tokens, dtype=np.float32) for each in streams])
    )
