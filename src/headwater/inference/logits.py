"""Options that change the logits of the next token, in the order of `transformers`: the repetition
penalty, n-grams that may not come twice, words that may not come, no end before `min_new_tokens`,
tokens that are forced, tokens that may not come.

They look at a history `[batch, tokens]`: for T5 the start token and its own output, for GPT the
prompt before that. Prompts of several lengths have -1 on the left.
"""

from collections.abc import Mapping, Sequence

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
    logits: Tensor,
    history: Tensor,
    new_tokens: int,
    eos_ids: Sequence[int],
    config: GenerationConfig,
) -> Tensor:
    """Return changed logits `[batch, vocabulary]` after `new_tokens` generated ones."""
    if config.repetition_penalty != 1:
        logits = _penalize(logits, history, config.repetition_penalty)
    if 0 < config.no_repeat_ngram_size <= history.shape[1]:
        repeated = _repeated(history, config.no_repeat_ngram_size, logits.shape[1])
        logits = logits.masked_fill(repeated, -torch.inf)
    for word in config.bad_words_ids or ():
        if word not in [[end] for end in eos_ids]:
            logits = _without_word(logits, history, word)
    if new_tokens < config.min_new_tokens:
        logits = _without(logits, eos_ids)
    # Whether nothing but a start was given, after which a token may be forced.
    delayed = (history >= 0).sum(1) - new_tokens == 1
    if config.forced_bos_token_id is None:
        delayed = torch.zeros_like(delayed)
    elif new_tokens == 0:
        forced = _only(logits, [config.forced_bos_token_id])
        logits = torch.where(delayed[:, None], forced, logits)
    if config.forced_eos_token_id and new_tokens + 1 == config.max_new_tokens:
        logits = _only(logits, config.forced_eos_token_id)
    if config.suppress_tokens:
        logits = _without(logits, config.suppress_tokens)
    if config.begin_suppress_tokens and new_tokens < 2:
        first = (delayed.long() == new_tokens)[:, None]
        logits = torch.where(first, _without(logits, config.begin_suppress_tokens), logits)
    return logits


def _without(logits: Tensor, tokens: Sequence[int]) -> Tensor:
    index = torch.tensor(tokens, dtype=torch.long, device=logits.device)
    return logits.index_fill(1, index, -torch.inf)


def _only(logits: Tensor, tokens: Sequence[int]) -> Tensor:
    index = torch.tensor(tokens, dtype=torch.long, device=logits.device)
    return torch.full_like(logits, -torch.inf).index_fill(1, index, 0.0)


def _without_word(logits: Tensor, history: Tensor, word: Sequence[int]) -> Tensor:
    """Let no word of several tokens be completed."""
    before = len(word) - 1
    if before > history.shape[1]:
        return logits
    beginning = torch.tensor(word[:-1], dtype=torch.long, device=logits.device)
    same = (history[:, history.shape[1] - before :] == beginning).all(1)
    return torch.where(same[:, None], _without(logits, word[-1:]), logits)


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
