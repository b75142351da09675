"""Beam search: keep the best few partial texts at each step (Sutskever et al. 2014, section 3.2).

Finished texts are compared by `log probability / length ** p`, the length counting the end token.
The rules are those of `transformers`: of the 2 x beams best continuations those that end, if among
the first `beams`, join the finished; the best `beams` that do not end go on; a search is over when
the finished can no longer be bettered in the sense of `early_stopping`, or at `max_length`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from headwater.inference.decoding_config import DecodingConfig
from headwater.inference.writer import CacheT, Marks, Writer, Written


@dataclass(slots=True)
class _Beams:
    """Partial texts: `ids` `[items, beams, length]`, their log probabilities `[items, beams]`."""

    ids: Tensor
    scores: Tensor

    def keep(self, items: Tensor) -> None:
        self.ids, self.scores = self.ids[items], self.scores[items]


@dataclass(slots=True)
class _Finished:
    """The best finished texts, the best first: ids `[items, beams, max_length]`; -inf is none.

    `scores` are by length, `lengths` count the end token, both `[items, beams]`.
    """

    ids: Tensor
    scores: Tensor
    lengths: Tensor

    def add(self, items: Tensor, ids: Tensor, scores: Tensor) -> None:
        """Let candidates `[items, n, length]` compete with what is there."""
        length, beams = ids.shape[-1], self.scores.shape[1]
        padded = torch.nn.functional.pad(ids, (0, self.ids.shape[-1] - length))
        every = torch.cat([self.scores[items], scores], 1)
        best, places = every.topk(beams)
        lengths = torch.cat([self.lengths[items], torch.full_like(scores, length).long()], 1)
        self.scores[items] = best
        self.lengths[items] = lengths.gather(1, places)
        self.ids[items] = _pick(torch.cat([self.ids[items], padded], 1), places)


def beam_search(
    network: Writer[CacheT],
    cache: CacheT,
    last: Tensor,
    marks: Marks,
    config: DecodingConfig,
) -> list[list[Written]]:
    """Search for each row of a cache, after the tokens `last` `[rows, 1]`; see `decoding.write`."""
    beams, rows, device = config.beams, len(last), last.device
    alive = torch.arange(rows, device=device)
    cache.reorder(alive.repeat_interleave(beams))
    scores = torch.full((rows, beams), -torch.inf, device=device)
    finished = _Finished(
        ids=alive.new_zeros(rows, beams, config.max_length),
        scores=scores.clone(),
        lengths=alive.new_zeros(rows, beams),
    )
    scores[:, 0] = 0.0  # all beams are equal at first; only one may be continued
    running = _Beams(alive.new_empty(rows, beams, 0), scores)
    last = last.repeat_interleave(beams, 0)
    for length in range(1, config.max_length + 1):
        chances = torch.log_softmax(network.step(last, cache), -1).float()
        origins = _advance(running, finished, alive, chances, marks.eos_id, config)
        going = _may_improve(running.scores[:, 0], finished.scores[alive, -1], length, config)
        kept = going.nonzero()[:, 0]
        if not len(kept):
            break
        offsets = torch.arange(len(alive), device=device)[:, None] * beams
        cache.reorder((origins + offsets)[kept].flatten())
        running.keep(kept)
        alive = alive[kept]
        last = running.ids[:, :, -1].reshape(-1, 1)
    return [_texts(finished, row, marks.eos_id, config) for row in range(rows)]


def _advance(
    running: _Beams,
    finished: _Finished,
    alive: Tensor,
    chances: Tensor,
    eos_id: int,
    config: DecodingConfig,
) -> Tensor:
    """Continue every beam by one token; return which beam each new one came from.

    `chances` `[items x beams, vocabulary]` are log probabilities; the result `[items, beams]`.
    """
    items, beams, length = running.ids.shape
    size = chances.shape[-1]
    every = (running.scores[:, :, None] + chances.view(items, beams, size)).flatten(1)
    scores, places = every.topk(2 * beams)  # enough to go on when the best `beams` all end
    origins, tokens = places // size, places % size
    ids = torch.cat([_pick(running.ids, origins), tokens[:, :, None]], -1)
    ended = tokens == eos_id
    if length + 1 == config.max_length:
        ended = torch.ones_like(ended)
    first = torch.arange(2 * beams, device=scores.device) < beams
    by_length = scores / (length + 1) ** config.length_penalty
    finished.add(alive, ids, by_length.masked_fill(~(ended & first), -torch.inf))
    running.scores, best = scores.masked_fill(ended, -torch.inf).topk(beams)
    running.ids = _pick(ids, best)
    return origins.gather(1, best)


def _may_improve(best: Tensor, worst: Tensor, length: int, config: DecodingConfig) -> Tensor:
    """Tell for each item whether to go on: bool `[items]`.

    `best` is the log probability of the best unfinished text, `worst` the score of the last of the
    finished, -inf while there are fewer than `beams`.
    """
    open_place = worst == -torch.inf
    if config.early_stopping is True:
        return open_place
    if config.early_stopping == "never" and config.length_penalty > 0:
        length = config.max_length
    best_ended: Tensor = best / length**config.length_penalty
    return open_place | (best_ended > worst)


def _pick(values: Tensor, places: Tensor) -> Tensor:
    """`[items, n, length]` at places `[items, m]` -> `[items, m, length]`."""
    return values.gather(1, places[:, :, None].expand(-1, -1, values.shape[-1]))


def _texts(finished: _Finished, row: int, eos_id: int, config: DecodingConfig) -> list[Written]:
    texts = []
    rows = (finished.ids[row], finished.scores[row], finished.lengths[row])
    for ids, score, length in zip(*(values.tolist() for values in rows), strict=True):
        if score == -torch.inf:
            continue
        tokens = ids[: length - 1] if ids[length - 1] == eos_id else ids[:length]
        texts.append(Written(tokens, score * length**config.length_penalty))
    return texts
