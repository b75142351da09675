"""Adding a layer: the pre-trained body stays as it is, and only the head on it learns.

    body (frozen) -> hidden states -> head (trained)

The weakest way to adapt a model, and what the others are measured against (Devlin et al. 2019,
section 5.3, "feature-based"). A masked language model's head scores tokens by the body's own
embedding, which stays as it is too. The head of a T5 is its output layer; where that is tied to the
embedding, a copy of the embedding becomes an output layer of its own.
"""

from dataclasses import dataclass, replace
from typing import final

import torch
from torch import nn

from headwater.errors import UserError
from headwater.methods.freezing import head_of
from headwater.methods.method import Method
from headwater.models.build import Model
from headwater.models.text_to_text import TextToText


@final
@dataclass(frozen=True, slots=True)
class HeadOnly(Method):
    """Method `head_only`."""

    def attach(self, model: Model) -> None:
        """Freeze the body."""
        head = _head(model)
        model.requires_grad_(False)
        head.requires_grad_(True)


def _head(model: Model) -> nn.Module:
    if isinstance(model, TextToText):
        return model.output or _untie(model)
    head = head_of(model)
    if head is None:
        raise UserError(f"method 'head_only': {type(model).__name__} models have no separate head")
    return head


def _untie(model: TextToText) -> nn.Linear:
    """Give a T5 an output layer of its own, which scores as the embedding does."""
    config = model.config
    table = model.embedding.weight
    output = nn.Linear(config.d_model, config.vocab_size, bias=False, device=table.device)
    scale = config.d_model**-0.5 if config.scale_decoder_outputs else 1.0
    with torch.no_grad():
        output.weight.copy_(table * scale)
    model.output = output
    model.config = replace(config, tie_word_embeddings=False, scale_decoder_outputs=False)
    return output
