"""Beam search: keep the best few partial texts at each step (Sutskever et al. 2014, section 3.2).

Finished texts are compared by `log probability / length ** p`, the length counting the end token.
The rules are those of `transformers`: of the best continuations (2 x beams, or more where several
tokens end a text) those that end, if among the first `num_beams`, join the finished; the best that
do not end go on; a search is over when the finished can no longer be bettered in the sense of
`early_stopping`, or at `max_new_tokens`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from headwater.inference.generated import DecoderTokens, Generated
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.logits import constrain
from headwater.models.body import Cache, GeneratingBody


@dataclass(slots=True)
class _Beams:
    """Partial texts: `ids` `[items, beams, length]`, and `[items, beams]` of each:

    scores: what beams are ranked by; log probabilities, as `constrain` changes them.
    totals: the log probabilities.
    """

    ids: Tensor
    scores: Tensor
    totals: Tensor

    def keep(self, items: Tensor) -> None:
        self.ids, self.scores, self.totals = self.ids[items], self.scores[items], self.totals[items]


@dataclass(slots=True)
class _Finished:
    """The best finished texts, the best first: ids `[items, beams, longest]`; -inf is none.

    `scores` are by length, `lengths` count the end token, `totals` are log probabilities; each is
    `[items, beams]`.
    """

    ids: Tensor
    scores: Tensor
    totals: Tensor
    lengths: Tensor

    def add(self, items: Tensor, ids: Tensor, scores: Tensor, totals: Tensor) -> None:
        """Let candidates `[items, n, length]` compete with what is there."""
        length, beams = ids.shape[-1], self.scores.shape[1]
        padded = torch.nn.functional.pad(ids, (0, self.ids.shape[-1] - length))
        best, indices = torch.cat([self.scores[items], scores], 1).topk(beams)
        lengths = torch.cat([self.lengths[items], torch.full_like(scores, length).long()], 1)
        self.scores[items] = best
        self.totals[items] = torch.cat([self.totals[items], totals], 1).gather(1, indices)
        self.lengths[items] = lengths.gather(1, indices)
        self.ids[items] = _pick(torch.cat([self.ids[items], padded], 1), indices)


def beam_search(
    network: GeneratingBody,
    cache: Cache,
    last: Tensor,
    special: DecoderTokens,
    config: GenerationConfig,
    history: Tensor | None = None,
) -> list[list[Generated]]:
    """Search for each sequence of a cache, after `last` `[items, 1]`; see `generate_ids`."""
    beams, items, device = config.num_beams, len(last), last.device
    alive = torch.arange(items, device=device)
    cache.spread(beams)
    running, finished = _start(items, config, device)
    last = last.repeat_interleave(beams, 0)
    for length in range(1, config.max_new_tokens + 1):
        chances = torch.log_softmax(network.step(last, cache), -1).float()
        scores = chances
        if history is not None:
            before = history[alive, None].expand(-1, beams, -1)
            before = torch.cat([before, running.ids], -1).flatten(0, 1)
            scores = constrain(chances, before, length - 1, special.eos_ids, config)
        origins = _advance(running, finished, alive, chances, scores, special.eos_ids, config)
        going = _may_improve(running.scores[:, 0], finished.scores[alive, -1], length, config)
        kept = going.nonzero()[:, 0]
        if not len(kept):
            break
        offsets = torch.arange(len(alive), device=device)[:, None] * beams
        cache.reorder((origins + offsets)[kept].flatten())
        running.keep(kept)
        alive = alive[kept]
        last = running.ids[:, :, -1].reshape(-1, 1)
    return [_texts(finished, item, special.eos_ids, config) for item in range(items)]


def _start(items: int, config: GenerationConfig, device: torch.device) -> tuple[_Beams, _Finished]:
    """Return one empty text per item, and no finished ones."""
    beams = config.num_beams
    scores = torch.full((items, beams), -torch.inf, device=device)
    finished = _Finished(
        ids=torch.zeros(items, beams, config.max_new_tokens, dtype=torch.long, device=device),
        scores=scores.clone(),
        totals=torch.zeros_like(scores),
        lengths=torch.zeros_like(scores, dtype=torch.long),
    )
    scores[:, 0] = 0.0  # all beams are equal at first; only one may be continued
    return _Beams(finished.ids[:, :, :0], scores, torch.zeros_like(scores)), finished


def _advance(
    running: _Beams,
    finished: _Finished,
    alive: Tensor,
    chances: Tensor,
    scores: Tensor,
    eos_ids: Sequence[int],
    config: GenerationConfig,
) -> Tensor:
    """Continue every beam by one token; return which beam each new one came from.

    `chances` `[items x beams, vocabulary]` are log probabilities, `scores` the same after
    `constrain`; the result is `[items, beams]`.
    """
    items, beams, length = running.ids.shape
    size = chances.shape[-1]
    every = (running.scores[:, :, None] + scores.view(items, beams, size)).flatten(1)
    count = max(2, 1 + len(eos_ids)) * beams  # enough to go on when the best all end
    scores, indices = every.topk(min(count, every.shape[1]))
    origins, tokens = indices // size, indices % size
    totals = running.totals.gather(1, origins) + chances.view(items, -1).gather(1, indices)
    ids = torch.cat([_pick(running.ids, origins), tokens[:, :, None]], -1)
    ended = ends_text(tokens, eos_ids)
    if length + 1 == config.max_new_tokens:
        ended = torch.ones_like(ended)
    first = torch.arange(scores.shape[1], device=scores.device) < beams
    by_length = scores / (length + 1) ** config.length_penalty
    finished.add(alive, ids, by_length.masked_fill(~(ended & first), -torch.inf), totals)
    running.scores, best = scores.masked_fill(ended, -torch.inf).topk(beams)
    running.ids, running.totals = _pick(ids, best), totals.gather(1, best)
    return origins.gather(1, best)


def _may_improve(best: Tensor, worst: Tensor, length: int, config: GenerationConfig) -> Tensor:
    """Tell for each item whether to go on: bool `[items]`.

    `best` is the score of the best unfinished text, `worst` that of the last of the finished by its
    length, -inf while there are fewer than `num_beams`.
    """
    unfilled = worst == -torch.inf
    if config.early_stopping is True:
        return unfilled
    if config.early_stopping == "never" and config.length_penalty > 0:
        length = config.max_new_tokens
    best_ended: Tensor = best / length**config.length_penalty
    return unfilled | (best_ended > worst)


def ends_text(tokens: Tensor, eos_ids: Sequence[int]) -> Tensor:
    """Tell which tokens end a text: bool of their shape."""
    return torch.isin(tokens, torch.tensor(eos_ids, dtype=tokens.dtype, device=tokens.device))


def _pick(values: Tensor, indices: Tensor) -> Tensor:
    """`[items, n, length]` at indices `[items, m]` -> `[items, m, length]`."""
    return values.gather(1, indices[:, :, None].expand(-1, -1, values.shape[-1]))


def _texts(
    finished: _Finished, item: int, eos_ids: Sequence[int], config: GenerationConfig
) -> list[Generated]:
    found = (finished.ids, finished.scores, finished.totals, finished.lengths)
    best = (values[item, : config.num_return_sequences].tolist() for values in found)
    texts = []
    for ids, score, total, length in zip(*best, strict=True):
        if score == -torch.inf:
            continue
        tokens = ids[: length - 1] if ids[length - 1] in eos_ids else ids[:length]
        texts.append(Generated(tokens, total))
    return texts
