"""Parts of a passage that may be answers, and a choice among them.

name     Notre Dame, University of Paris      capitals inside a sentence
date     4 May 1912, 1840s
number   12, $3.5 million, two
phrase   old mill                             what `text.phrases` finds besides
clause   because the king was kind            from one mark or conjunction to the next
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from headwater.questions.config import Kind
from headwater.questions.passages import digest
from headwater.text.phrases import FUNCTION_WORDS, MONTHS, WORD, phrases
from headwater.text.sentences import sentences

_LONGEST = 8  # words of a name
_CLAUSE = (3, 12)  # words

_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"(?:1\d{3}|20\d\d)"
_DATE = re.compile(
    rf"(?<![\w.,])(?:(?:{_DAY} (?:of )?)(?:{MONTHS})(?:,? {_YEAR})?"
    rf"|(?:{MONTHS}) (?:{_DAY}(?:, {_YEAR})?|{_YEAR})"
    rf"|\d{{1,4}} (?:BCE?|AD|CE)|{_YEAR}s?)(?![\w%])(?!,\d|\.\d)"
)
_NUMBER = re.compile(
    r"(?<![\w.,-])(?:[$£€]\s?)?\d[\d,.]*(?<![.,])%?(?![\w%-])"
    r"(?: (?:hundred|thousand|million|billion|trillion|percent|per cent)\b)?"
    r"|(?<![\w-])(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|twenty|thirty|forty|fifty|hundreds?|thousands?|millions?)(?![\w-])"
    r"(?: (?:hundred|thousand|million|billion|percent)\b)?",
    re.IGNORECASE,
)
_CAPITAL = r"[A-Z][a-z]{0,2}\.(?= [A-Z])|[^\W\d_a-z][\w’'&.-]*[\w’']|[^\W\d_a-z]"
_NAME = re.compile(rf"(?:{_CAPITAL})(?: (?:(?:of the|of|the|de|von|van|la|du) )?(?:{_CAPITAL}))*")
_MARK = re.compile(
    r"[,;:()—\[\]\"“”]| -- |\s(?=(?:because|so that|in order to|and|but|when|while|which|who|that"
    r"|until|if)\s)"
)

# What ends a run of words and is most often a verb.
_VERBS = re.compile(
    r"(?:(?:^| )(?:\w{3,}ed|took|went|came|saw|made|gave|got|found|began|became|sat|stood|ran|fell"
    r"|told|left|held|kept|heard|brought|thought|knew|let|put|set|cried|lay|rose|met|spoke"
    r"|including|called|does|says|makes|takes))+$"
)


class Candidate(NamedTuple):
    """The characters `text[start:end]` of a passage, and the number of their sentence."""

    start: int
    end: int
    kind: Kind
    sentence: int


def candidates(text: str, kinds: Sequence[Kind]) -> list[Candidate]:
    """Return what may be an answer, in order; a span has the first kind that finds it."""
    found: dict[tuple[int, int], Candidate] = {}
    for number, (start, end) in enumerate(sentences(text)):
        for kind, span in _spans(text, start, end):
            found.setdefault(span, Candidate(*span, kind, number))
    return sorted(each for each in found.values() if each.kind in kinds)


def draw(text: str, kinds: Sequence[Kind], most: int, seed: int) -> list[Candidate]:
    """Choose up to `most` candidates that share no character and no text, in their order.

    The kinds and the sentences take turns. A function of the passage and the seed alone.
    """
    pool = candidates(text, kinds)
    generator = np.random.Generator(np.random.Philox(int(digest(seed, text), 16)))
    pool = [pool[index] for index in generator.permutation(len(pool))]
    chosen: list[Candidate] = []
    turns: Counter[object] = Counter()
    while pool and len(chosen) < most:
        one = min(pool, key=lambda each: (turns[each.kind], turns[each.sentence]))
        chosen.append(one)
        turns.update((one.kind, one.sentence))
        said = text[one.start : one.end].lower()
        pool = [
            each
            for each in pool
            if (each.end <= one.start or one.end <= each.start)
            and text[each.start : each.end].lower() != said
        ]
    return sorted(chosen)


def _spans(text: str, start: int, end: int) -> Iterator[tuple[Kind, tuple[int, int]]]:
    dates = [found.span() for found in _DATE.finditer(text, start, end)]
    yield from (("date", span) for span in dates)
    numbers = [
        found.span()
        for found in _NUMBER.finditer(text, start, end)
        if not any(low < found.end() and found.start() < high for low, high in dates)
    ]
    yield from (("number", span) for span in numbers)
    names = list(_names(text, start, end))
    yield from (("name", span) for span in names)
    others = (*dates, *numbers, *names)
    for low, high in phrases(text, start, end):
        high = low + len(_VERBS.sub("", text[low:high]))
        within = any(first <= low and high <= last for first, last in others)
        crosses = any(first < high and low < last for first, last in (*dates, *names))
        if high - low > 2 and not within and not crosses:
            yield "phrase", (low, high)
    yield from (("clause", span) for span in _clauses(text, start, end))


def _names(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield names; the first word of a sentence begins one only where more words follow."""
    for found in _NAME.finditer(text, start, end):
        words = list(re.finditer(r"\S+", found[0]))
        while words and words[0][0].lower() in FUNCTION_WORDS:
            words.pop(0)
        if not words or len(words) > _LONGEST:
            continue
        low, high = found.start() + words[0].start(), found.end()
        name = text[low:high]
        trimmed = re.sub(r"['’]s?$", "", name)
        if len(trimmed) > 1 and not (low == start and len(words) == 1):
            yield low, low + len(trimmed)


def _clauses(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield what stands between marks and conjunctions, without the marks."""
    bounds = [*((mark.start(), mark.end()) for mark in _MARK.finditer(text, start, end)), (end, 0)]
    low = start
    for stop, begin in bounds:
        part = text[low:stop].rstrip(" \n.?!’'")
        first = low + len(part) - len(part.lstrip())
        part = part.lstrip()
        whole = first == start and first + len(part) >= end - 2
        if not whole and _CLAUSE[0] <= len(WORD.findall(part)) <= _CLAUSE[1]:
            yield first, first + len(part)
        low = begin
