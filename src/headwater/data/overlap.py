"""Keeping the test out of the training: paragraphs that share too much with held-out text go.

Two texts overlap by the share of the first one's word 8-grams that occur anywhere in the second
(GPT-3 paper, appendix C, looks for 8- to 13-grams; the T5 authors' C4 had no such step). Words are
runs of letters and digits, lower-cased, so that "Super Bowl 50 's" and "Super Bowl 50's" meet; a
letter with an accent is one sign, as in most files, or two, as in those of some systems (NFC, NFD).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from headwater.data.split import E

WORD = re.compile(r"\w+")
GRAM = 8
LIMIT = 0.2


def words_of(text: str) -> list[str]:
    """Return the words of a text, by which texts are compared."""
    return WORD.findall(unicodedata.normalize("NFC", text).lower())


def grams(text: str) -> set[int]:
    """Return the hashes of the text's word 8-grams; a shorter text is one gram of all its words."""
    words = words_of(text)
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
