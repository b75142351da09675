"""Stems equal those of nltk's stemmer, on which rouge-score rests."""

import random

import pytest
from nltk.stem.porter import PorterStemmer

from headwater.metrics.porter import stem

ENDINGS = (
    *("ational", "tional", "alli", "logi", "bli", "fulli", "eed", "ied", "ies", "sses", "y", "e"),
    *("ll", "ion", "ing", "ed", "s", "ement", "ive", "ize", "iti", "ator", "ness", "ful", "entli"),
    *("er", "us", "at", "iz", "bl", "pp", "ss", ""),
)


def test_made_up_words_with_many_endings() -> None:
    rng, nltk = random.Random(1), PorterStemmer()
    words = set()
    for _ in range(20_000):
        beginning = "".join(rng.choice("aeiouybcdlstz1xw") for _ in range(rng.randint(0, 5)))
        words.add(beginning + rng.choice(ENDINGS) + rng.choice(ENDINGS))
    assert len(words) > 15_000
    assert {word: stem(word) for word in words} == {word: nltk.stem(word) for word in words}


@pytest.mark.parametrize(
    ("word", "expected"),
    [("skies", "sky"), ("dying", "die"), ("innings", "inning"), ("news", "news"), ("is", "is")],
)
def test_words_by_heart_and_short_ones(word: str, expected: str) -> None:
    assert stem(word) == PorterStemmer().stem(word) == expected
