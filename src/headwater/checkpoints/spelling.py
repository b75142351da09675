"""How the words of a vocabulary are spelled, for a network that reads characters."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from headwater.models.body import WordBody
from headwater.models.build import Model
from headwater.models.families import family_of
from headwater.nn.characters import END_TEXT, character_ids
from headwater.text.vocabulary import Vocabulary


def know_words(model: Model, vocabulary: Vocabulary) -> None:
    """Tell an ELMo how the words of a vocabulary are spelled; leave any other model as it is."""
    if family_of(model.config).reads_characters and isinstance(model, WordBody):
        model.know_words(torch.from_numpy(spell(vocabulary, range(vocabulary.size))))


def spell(vocabulary: Vocabulary, ids: Iterable[int]) -> NDArray[np.int16]:
    """Return the character ids `[words, characters]` by which an ELMo reads words of a vocabulary.

    The token that ends a document is spelled as the published end of a text.
    """
    eos_id = vocabulary.eos_id
    return character_ids([END_TEXT if id == eos_id else vocabulary.token(id) for id in ids])
