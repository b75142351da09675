"""Where test texts stand in training text word for word, by runs of 8 and of 13 words.

The n-grams of the test are kept, those of the training text go by. Words are runs of letters and
digits, lower-cased (`overlap.words_of`). A text overlaps if one of its 13-grams was seen (GPT-3
paper, appendix C); one of 8 to 12 words, which has none, if one of its 8-grams was. A shorter text
tells nothing: it overlaps with much by chance, and counts as clean.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from headwater.data.overlap import GRAM, words_of

LONG = 13

Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """What of a text was seen.

    words: of the text.
    share: of its 8-grams that were seen, 0 to 1.
    overlaps: see above.
    matched: the longest run of its words whose 8-grams were all seen; "" if none was.
    source: where its first gram was seen first.
    """

    words: int
    share: float
    overlaps: bool
    matched: str
    source: str


@final
class TestGrams:
    """The n-grams of the test's texts, and which of them training text holds."""

    __test__ = False  # no test of pytest's

    def __init__(self, texts: Iterable[str]) -> None:
        self._short: set[Gram] = set()
        self._long: set[Gram] = set()
        for text in texts:
            words = words_of(text)
            self._short.update(_grams(words, GRAM))
            self._long.update(_grams(words, LONG))
        self._seen: dict[Gram, str] = {}
        self._seen_long: set[Gram] = set()
        self.words = 0

    def read(self, blocks: Iterable[str], source: str) -> None:
        """Read one text of the training data in blocks, which are cut between words."""
        words: list[str] = []
        for block in blocks:
            new = words_of(block)
            self.words += len(new)
            words = words[1 - LONG :] + new  # what a gram across the cut begins with
            self._look(words, source)

    def match(self, text: str) -> Match:
        """Return what was seen of a text of the test."""
        words = words_of(text)
        grams = _grams(words, GRAM)
        seen = [gram in self._seen for gram in grams]
        begin, end = _longest_run(seen)
        long = any(gram in self._seen_long for gram in _grams(words, LONG))
        return Match(
            words=len(words),
            share=sum(seen) / len(seen) if seen else 0.0,
            overlaps=long or (len(words) < LONG and any(seen)),
            matched=" ".join(words[begin : end + GRAM - 1]) if end else "",
            source=self._seen[grams[begin]] if end else "",
        )

    def _look(self, words: list[str], source: str) -> None:
        for index, gram in enumerate(_grams(words, GRAM)):
            if gram in self._short:
                self._seen.setdefault(gram, source)
                long = tuple(words[index : index + LONG])
                if long in self._long:
                    self._seen_long.add(long)


def _grams(words: list[str], size: int) -> list[Gram]:
    return list(zip(*(words[shift:] for shift in range(size)), strict=False))


def _longest_run(seen: list[bool]) -> tuple[int, int]:
    """Return begin and end of the longest run of seen grams; (0, 0) where there is none."""
    best, begin = (0, 0), 0
    for index, each in enumerate([*seen, False]):
        if each:
            continue
        if index - begin > best[1] - best[0]:
            best = (begin, index)
        begin = index + 1
    return best
