"""Another model than the encoder, with whose weights a decoder begins.

Both sides read one vocabulary, the encoder's. The rows of the other's tables are put in its order:
a RoBERTa and a GPT-2 have the same tokens under other ids.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from headwater.checkpoints.description import Description
from headwater.checkpoints.folder import load_model
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.vocabularies import vocabulary_of
from headwater.errors import UserError
from headwater.models.config import ModelConfig
from headwater.models.encoder_decoder.config import check_decoder
from headwater.models.families import family_of, sizes_of
from headwater.objectives.token_classes import special_tokens
from headwater.runs.recipe import DecoderConfig
from headwater.text.special_tokens import document_end
from headwater.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from headwater.models.encoder_decoder.start import Lender

logger = logging.getLogger(__name__)

_STRANGE = 0.01
"""The share of the encoder's tokens that the other model need not know."""


class Other(NamedTuple):
    """Another model: its name in the recipe, its folder, its sizes."""

    name: str
    folder: Path
    config: ModelConfig


def other_model(decoder: DecoderConfig, encoder: str | None) -> Other | None:
    """Return the model that a decoder begins with; None: the encoder itself.

    Args:
        encoder: its name, as the recipe has it.
    """
    if decoder.model is None:
        return None
    folder = resolve(decoder.model)
    if encoder is not None and resolve(encoder) == folder:
        return None
    config = Description.read(folder).config
    check_decoder(config)
    return Other(decoder.model, folder, config)


def lend(other: Other, rows: NDArray[np.int64]) -> "Lender":
    """Load another model; `rows` are those of its tables."""
    from headwater.models.encoder_decoder.start import Lender

    head = "masked_lm" if family_of(other.config).kind == "encoder" else None
    model = load_model(other.folder, head).model
    return Lender(model, torch.from_numpy(rows), sizes_of(other.config).first_position or 0)


def rows_of(vocabulary: Vocabulary, other: Other, tokens: int) -> NDArray[np.int64]:
    """Return the other's id of each of the encoder's tokens, int64 [tokens]; -1: it has none.

    Args:
        vocabulary: the encoder's.
        tokens: how many rows the encoder's table has.
    """
    theirs = vocabulary_of(other.folder)
    end, special = document_end(theirs), special_tokens(vocabulary)
    rows, strange = np.full(tokens, -1), 0
    for token, id in vocabulary.ids.items():
        row = theirs.ids.get(token)
        if row is None and id in (vocabulary.cls_id, vocabulary.sep_id):
            row = end  # around documents, a GPT has but one token
        strange += int(row is None and not special[id])
        rows[id] = -1 if row is None else row
    count = len(vocabulary.ids)
    if strange > _STRANGE * count:
        raise UserError(
            f"decoder.model = {other.name!r}: does not know {strange:,} of the encoder's {count:,} "
            "tokens, and both sides have one vocabulary; take a decoder with the encoder's, or "
            "give decoder.layers alone"
        )
    if strange:
        logger.info(f"{other.name} does not know {strange:,} tokens, which begin at random")
    return rows
