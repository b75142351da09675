"""Keeping what is measured out of the training: splits by article, and overlap of texts.

No paragraph's neighbours are trained on when validation data is split off. Of training paragraphs,
those that share too much with held-out text go: two texts overlap by the share of the first one's
word 8-grams that occur anywhere in the second (GPT-3 paper, appendix C, looks for 8- to 13-grams;
the T5 authors' C4 had no such step). Words are runs of letters and digits, lower-cased, so that
"Super Bowl 50 's" and "Super Bowl 50's" meet.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from headwater.data.example import Example, SpanExample

E = TypeVar("E", bound=Example)

WORD = re.compile(r"\w+")
GRAM = 8
LIMIT = 0.2


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


def grams(text: str) -> set[int]:
    """Return the hashes of the text's word 8-grams; a shorter text is one gram of all its words."""
    words = WORD.findall(text.lower())
    count = max(1, len(words) - GRAM + 1)
    return {hash(tuple(words[i : i + GRAM])) for i in range(count)} if words else set()


def without_overlap(
    examples: Sequence[E], held_out: Iterable[str], limit: float = LIMIT
) -> tuple[list[E], list[str]]:
    """Drop the examples whose passage shares more than `limit` of its 8-grams with held-out texts.

    Returned are the examples that stay, in order, and the dropped passages, each once.
    """
    seen: set[int] = set()
    for text in set(held_out):
        seen |= grams(text)
    passages = dict.fromkeys(example.passage for example in examples)
    dropped = {passage for passage in passages if share(passage, seen) > limit}
    kept = [example for example in examples if example.passage not in dropped]
    return kept, [passage for passage in passages if passage in dropped]


def share(text: str, seen: set[int]) -> float:
    """Return the share of the text's 8-grams that are among those seen; 0 for no words."""
    own = grams(text)
    return len(own & seen) / len(own) if own else 0.0
