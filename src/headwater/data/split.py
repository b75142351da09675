"""Splitting validation data off, so that no paragraph's neighbours are trained on.

An article's side depends on its title and the seed alone, so adding files moves nothing. Examples
without a title count by their passage.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from headwater.data.example import Example, SpanExample

E = TypeVar("E", bound=Example)


def split_off(examples: Sequence[E], share: float, seed: int) -> tuple[list[E], list[E]]:
    """Split examples in (training, validation); each article falls wholly on one side."""
    return _sides(examples, seed, lambda position: position < share)


def hold_out_fold(
    examples: Sequence[E], folds: int, fold: int, seed: int
) -> tuple[list[E], list[E]]:
    """Divide examples in `folds` parts; return all but part `fold`, from 0, and that part.

    Each article falls wholly in one part, and each is held out in one of the folds.
    """
    return _sides(examples, seed, lambda position: int(position * folds) == fold)


def filled_folds(examples: Sequence[Example], folds: int, seed: int) -> int:
    """Return how many of the parts of `hold_out_fold` hold an example."""
    return len({int(_position(example, seed) * folds) for example in examples})


def _sides(
    examples: Sequence[E], seed: int, held_out: Callable[[float], bool]
) -> tuple[list[E], list[E]]:
    """Split examples in (training, validation) by the position in [0, 1) that a hash gives each."""
    training: list[E] = []
    validation: list[E] = []
    for example in examples:
        (validation if held_out(_position(example, seed)) else training).append(example)
    return training, validation


def _position(example: Example, seed: int) -> float:
    """Return the position in [0, 1) that a hash gives the article, or else the text."""
    article = example.article if isinstance(example, SpanExample) else ""
    key = f"{seed}:{article or example.passage}"
    return (int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 11) / 2**53
