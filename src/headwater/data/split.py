"""Splitting validation data off by article, so that no paragraph's neighbours are trained on."""

import hashlib
from collections.abc import Sequence

from headwater.data.example import SpanExample


def split_articles(
    examples: Sequence[SpanExample], share: float, seed: int
) -> tuple[list[SpanExample], list[SpanExample]]:
    """Split examples in (training, validation); each article falls wholly on one side.

    An article's side depends on its title and the seed alone, so adding files moves nothing.
    Examples without a title count by their context.
    """
    training: list[SpanExample] = []
    validation: list[SpanExample] = []
    for example in examples:
        key = f"{seed}:{example.article or example.context}"
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
        (validation if place < share else training).append(example)
    return training, validation
