"""The outputs of every layer of a pre-trained body, whatever its family.

    0          what the first layer reads: embeddings, an ELMo's words without context
    1 .. n     the outputs of its layers, the last one with the norm after it

A continuous bag of words has output 0 alone: its word vectors. Of a T5 it is the encoder. These are
the layers that Peters et al. 2018 mix (section 3.2) and Devlin et al. 2019 compare (section 5.3).
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from headwater.errors import UserError
from headwater.models.bert.config import BertConfig
from headwater.models.bert.network import Bert
from headwater.models.cbow.network import CBOW
from headwater.models.elmo.network import ELMo
from headwater.models.gpt.config import GPTConfig
from headwater.models.gpt.network import GPT
from headwater.models.heads import ModelWithHead
from headwater.models.losses import Batch
from headwater.models.multi_task import MultiTask
from headwater.models.t5.network import T5

Body = Bert | CBOW | ELMo | GPT | T5


def bare_body(model: nn.Module) -> Body:
    """Return the body of a model, without its heads.

    Raises:
        UserError: it is a T5 without an encoder.
    """
    body = model.body if isinstance(model, ModelWithHead | MultiTask) else model
    if isinstance(body, Bert | CBOW | ELMo | GPT | T5):
        return body
    raise UserError("method 'features' takes those of a T5's encoder, and this T5 has none")


def outputs(body: Body) -> int:
    """Return how many outputs `body_layers` gives."""
    match body:
        case CBOW():
            return 1
        case ELMo():
            return len(body.lstm) + 1
        case _:
            return len(_stack(body)) + 1


def width(body: Body) -> int:
    """Return the width of each of them."""
    match body:
        case Bert():
            return body.config.hidden_size
        case CBOW():
            return body.config.vector_size
        case ELMo():
            return 2 * body.config.projection_dim
        case GPT():
            return body.config.n_embd
        case T5():
            return body.config.d_model


def longest_row(config: object) -> int:
    """Return the most tokens that a model of that config reads in a row."""
    match config:
        case BertConfig():
            return config.longest
        case GPTConfig():
            return config.n_positions
        case _:
            return sys.maxsize  # it knows no position, or only distances


def body_layers(body: Body, batch: Batch) -> list[Tensor]:
    """Return all outputs of rows, each `[batch, length, width]`; those of padding mean nothing.

    Args:
        batch: `input_ids` `[batch, length]`, and of that shape `attention_mask` (left out: all are
            real) and `token_type_ids`, of which only a body with segments of its own is told.
    """
    if isinstance(body, CBOW):
        return [body.token(batch["input_ids"])]
    if isinstance(body, ELMo):
        return list(body(batch))
    with _entered(_stack(body)) as entered:
        last = _run(body, batch)
    return [*entered, last]


def _stack(body: Bert | GPT | T5) -> nn.ModuleList:
    return body.encoder.layers if isinstance(body, T5) else body.layers


def _run(body: Bert | GPT | T5, batch: Batch) -> Tensor:
    ids, mask = batch["input_ids"], batch.get("attention_mask")
    if isinstance(body, Bert):
        segments = batch.get("token_type_ids") if body.config.type_vocab_size > 1 else None
        hidden: Tensor = body(ids, mask, segments)
        return hidden
    return body.states(batch) if isinstance(body, GPT) else body.encode(ids, mask)


@contextmanager
def _entered(layers: nn.ModuleList) -> Iterator[list[Tensor]]:
    """Keep what enters each layer while the block lasts, which is what the one below it gives."""
    entered: list[Tensor] = []
    thread = threading.get_ident()  # others may be using the same body

    def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
        if threading.get_ident() == thread:
            entered.append(given[0])

    handles = [layer.register_forward_pre_hook(hook) for layer in layers]
    try:
        yield entered
    finally:
        for handle in handles:
            handle.remove()
