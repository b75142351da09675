"""Texts to learn that hold what the vocabulary does not know: the model would write unknown tokens.

T5's vocabulary has no braces: a task with JSON as its targets teaches it to write `<unk>`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from headwater.data.token_arrays import Ragged
from headwater.errors import listed
from headwater.text.vocabulary import Vocabulary

LOOKED_AT = 1_000  # texts with something unknown, in which what it is is looked up


def unknown_in(vocabulary: Vocabulary, texts: Sequence[str], encoded: Ragged) -> str | None:
    """Return how many texts hold something unknown, and what, as one line; None if none does.

    Args:
        encoded: the ids of the texts, which may be cut.
    """
    if vocabulary.unk_id is None:
        return None
    held = np.flatnonzero(encoded.values == vocabulary.unk_id)
    if not len(held):
        return None
    indices = np.unique(np.searchsorted(encoded.bounds, held, side="right") - 1).tolist()
    counts = Counter(_unknown(vocabulary, (texts[index] for index in indices[:LOOKED_AT])))
    named = listed(repr(text) for text, _ in counts.most_common())
    return (
        f"{len(indices)} of {len(texts)} targets hold what the vocabulary does not know, which "
        f"is learned as {vocabulary.token(vocabulary.unk_id)}: {named}"
    )


def _unknown(vocabulary: Vocabulary, texts: Iterable[str]) -> Iterable[str]:
    """Yield unknown characters; where each is known by itself, or none can be, the word."""
    known: dict[str, list[str]] = {}
    for text in texts:
        found = vocabulary.encode(text)
        for position in np.flatnonzero(found.ids == vocabulary.unk_id):
            word = text[found.starts[position] : found.ends[position]]
            if word not in known:
                letters = "" if vocabulary.whole_words else word
                alone = [c for c in letters if vocabulary.unk_id in vocabulary.encode(c).ids]
                known[word] = alone or [word]
            yield from known[word]
