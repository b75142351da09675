"""Options that change the logits of the next token, in the order of `transformers`: the repetition
penalty, n-grams that may not come twice, no end before `min_new_tokens`.

They look at a history `[batch, tokens]`: for T5 the start token and its own output, for GPT the
prompt before that. Prompts of several lengths have -1 on the left.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from headwater.inference.generation_config import GenerationConfig


def first_history(batch: Mapping[str, Tensor], last: Tensor) -> Tensor:
    """Return the history before the first step; `last` `[batch, 1]` is what that step reads.

    A batch with `start_ids` continues its `input_ids`, which count.
    """
    if "start_ids" not in batch:
        return last
    ids, mask = batch["input_ids"], batch.get("attention_mask")
    if mask is not None:
        order = mask.byte().argsort(dim=1, stable=True)  # padding to the left
        ids = ids.masked_fill(~mask.bool(), -1).gather(1, order)
    return torch.cat([ids, last], 1)


def constrain(
    logits: Tensor, history: Tensor, new_tokens: int, eos_id: int, config: GenerationConfig
) -> Tensor:
    """Return changed logits `[batch, vocabulary]` after `new_tokens` generated ones."""
    if config.repetition_penalty != 1:
        logits = _penalize(logits, history, config.repetition_penalty)
    if 0 < config.no_repeat_ngram_size <= history.shape[1]:
        repeated = _repeated(history, config.no_repeat_ngram_size, logits.shape[1])
        logits = logits.masked_fill(repeated, -torch.inf)
    if new_tokens < config.min_new_tokens:
        end = torch.arange(logits.shape[1], device=logits.device) == eos_id
        logits = logits.masked_fill(end, -torch.inf)
    return logits


def _penalize(logits: Tensor, history: Tensor, penalty: float) -> Tensor:
    tokens = torch.where(history < 0, history[:, -1:], history)
    found = logits.gather(1, tokens)
    return logits.scatter(1, tokens, torch.where(found < 0, found * penalty, found / penalty))


def _repeated(history: Tensor, size: int, vocabulary: int) -> Tensor:
    """Tell which tokens would complete an n-gram of that size again: bool `[batch, vocabulary]`."""
    ngrams = history.unfold(1, size, 1)
    beginning = history[:, history.shape[1] - size + 1 :]
    same = (ngrams[:, :, :-1] == beginning[:, None]).all(-1) & (ngrams[:, :, -1] >= 0)
    tokens = torch.where(same, ngrams[:, :, -1], vocabulary)
    repeated = torch.zeros(len(history), vocabulary + 1, dtype=torch.bool, device=history.device)
    return repeated.scatter_(1, tokens, True)[:, :-1]
