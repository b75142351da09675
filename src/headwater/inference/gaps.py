"""Gaps in a text, and what a model would fill them with. Free of torch."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater.text.vocabulary import Vocabulary

GAP = re.compile(r"\[MASK\]|<mask>|_{3,}")
SENTINEL = re.compile(rf"{GAP.pattern}|<extra_id_\d+>")


@dataclass(frozen=True, slots=True)
class Filling:
    """What may stand in a gap.

    text: a token as text (`##ing` goes on with the word before it); of a T5 any number of words.
    score: its probability among all tokens; of a T5, that it writes this, as far as was searched.
    id: of the token; None of a T5.
    """

    text: str
    score: float
    id: int | None = None


class Filler(Protocol):
    """Fills the gaps of texts. Calls may come from many threads at once."""

    def __call__(self, texts: Sequence[str], top_k: int, /) -> Iterator[list[list[Filling]]]:
        """Yield for each text the `top_k` likeliest fillings of each gap, in order."""
        ...


def with_masks(vocabulary: Vocabulary, text: str) -> str:
    """Write the vocabulary's own mask token for each gap, however the gap is written."""
    if vocabulary.mask_id is None:
        return text
    mask = vocabulary.token(vocabulary.mask_id)
    return GAP.sub(lambda _: mask, text)


def with_sentinels(text: str) -> tuple[str, int]:
    """Number the gaps of a text as T5's sentinels, from 0 on; return it with their count."""
    count = -1

    def next_sentinel(_: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"<extra_id_{count}>"

    numbered = SENTINEL.sub(next_sentinel, text)
    return numbered, count + 1
