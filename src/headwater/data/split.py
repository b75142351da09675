"""Splitting validation data off, so that no paragraph's neighbours are trained on."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from headwater.data.example import Example, SpanExample

E = TypeVar("E", bound=Example)


def split_off(examples: Sequence[E], share: float, seed: int) -> tuple[list[E], list[E]]:
    """Split examples in (training, validation); each article falls wholly on one side.

    An article's side depends on its title and the seed alone, so adding files moves nothing.
    Examples without a title count by their passage.
    """
    training: list[E] = []
    validation: list[E] = []
    for example in examples:
        article = example.article if isinstance(example, SpanExample) else ""
        key = f"{seed}:{article or example.passage}"
        position = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
        (validation if position < share else training).append(example)
    return training, validation
