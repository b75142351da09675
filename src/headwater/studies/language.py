"""A small made-up language, so that a study needs no data.

Its nouns belong to four kinds, which only the words around them show: each kind has verbs
and adjectives of its own, and the words themselves are drawn at random.

    the rapim duve lomi .            an adjective, a noun and a verb of one kind
    a duve nesa near the tiru .      a verb and another noun
    we saw the duve .                says nothing of the kind

A model that has read such text knows the kinds, without their names. Five tasks ask for them:

    kind        we saw the duve .                             -> animal
    either      we saw the bagu . | we saw the duve .         -> yes (one is an animal)
    find        what animal ? | we saw the bagu , the duve and the tiru . -> duve
    mood        the rapim duve lomi .                         -> good (of its adjective alone)
    sense       the rapim bako stood there .                  -> a tag for bako: animal

Of the 220 nouns 60 have two kinds, as "bat" and "spring" have. `sense` asks for them alone: the
word before or after it decides, so that no one vector for it can be right each time. Nouns
are drawn by Zipf's law: a few labelled examples name few of them, many name nearly all.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import Any

KINDS = ("animal", "tool", "food", "place")
MOODS = ("good", "bad")
ANSWERS = ("no", "yes")
_NOUNS, _SHARED = 40, 10
"""Nouns of each kind alone, and of each pair of kinds."""
_VERBS = _ADJECTIVES = 8
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"

Example = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Noun:
    """A word and its kinds, one or two."""

    word: str
    kinds: tuple[str, ...]


class Language:
    """The words of the language; the same for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        words = _words(random.Random(f"words {seed}"))
        self.verbs = {kind: [next(words) for _ in range(_VERBS)] for kind in KINDS}
        self.adjectives = {kind: [next(words) for _ in range(_ADJECTIVES)] for kind in KINDS}
        clear = [Noun(next(words), (kind,)) for _ in range(_NOUNS) for kind in KINDS]
        pairs = list(combinations(KINDS, 2))
        self.ambiguous = [Noun(next(words), pair) for _ in range(_SHARED) for pair in pairs]
        self._of = {kind: [noun for noun in clear if noun.kinds == (kind,)] for kind in KINDS}
        self._both = {kind: [n for n in self.ambiguous if kind in n.kinds] for kind in KINDS}

    def documents(self, count: int, seed: int) -> list[str]:
        """Return running text: documents of twelve sentences."""
        rng = random.Random(f"text {seed}")
        return [" ".join(self._sentence(rng) for _ in range(12)) for _ in range(count)]

    def _sentence(self, rng: random.Random) -> str:
        kind = rng.choice(KINDS)
        nouns = self._both[kind] if rng.random() < 0.25 else self._of[kind]
        if rng.random() < 0.1:
            return f"we saw the {_draw(rng, nouns).word} ."
        left, right = rng.choice(((True, True), (True, False), (False, True)))
        clause = self._clause(rng, kind, _draw(rng, nouns).word, left, right)
        if rng.random() < 0.3:
            other = rng.choice(KINDS)
            article = rng.choice(("the", "a"))
            noun = _draw(rng, self._of[other]).word
            clause += f" near {article} {rng.choice(self.adjectives[other])} {noun}"
        return f"{clause} ."

    def _clause(self, rng: random.Random, kind: str, noun: str, left: bool, right: bool) -> str:
        """Say something of a noun, with words of its kind before it, after it, or both."""
        before = f"{rng.choice(self.adjectives[kind])} " if left else ""
        after = rng.choice(self.verbs[kind]) if right else "stood there"
        return f"{rng.choice(('the', 'a'))} {before}{noun} {after}"

    def examples(self, task: str, count: int, seed: int, split: str) -> list[Example]:
        """Return labelled examples; those of other splits and seeds are other draws."""
        rng = random.Random(f"{task} {split} {seed}")
        makers: dict[str, Callable[[random.Random], Example]] = {
            "kind": self._kind,
            "either": self._either,
            "find": self._find,
            "mood": self._mood,
            "sense": self._sense,
        }
        return [makers[task](rng) for _ in range(count)]

    def _kind(self, rng: random.Random) -> Example:
        kind = rng.choice(KINDS)
        return {"text": f"we saw the {self._noun(rng, kind)} .", "label": kind}

    def _either(self, rng: random.Random) -> Example:
        there = rng.random() < 0.5
        kinds = [rng.choice(KINDS[1:]), KINDS[0] if there else rng.choice(KINDS[1:])]
        rng.shuffle(kinds)
        texts = [f"we saw the {self._noun(rng, kind)} ." for kind in kinds]
        return {"first": texts[0], "second": texts[1], "label": ANSWERS[there]}

    def _find(self, rng: random.Random) -> Example:
        kinds = [KINDS[0], *rng.sample(KINDS[1:], 2)]
        rng.shuffle(kinds)
        nouns = [self._noun(rng, kind) for kind in kinds]
        context = f"we saw the {nouns[0]} , the {nouns[1]} and the {nouns[2]} ."
        answer = nouns[kinds.index(KINDS[0])]
        return {"question": f"what {KINDS[0]} ?", "context": context, "answer": answer}

    def _mood(self, rng: random.Random) -> Example:
        kind, mood = rng.choice(KINDS), rng.randrange(2)
        adjective = rng.choice(self.adjectives[kind][mood::2])
        after = rng.choice(self.verbs[kind])
        return {"text": f"the {adjective} {self._noun(rng, kind)} {after} .",
                "label": MOODS[mood]}  # fmt: skip

    def _sense(self, rng: random.Random) -> Example:
        noun = rng.choice(self.ambiguous)
        kind, left = rng.choice(noun.kinds), rng.random() < 0.5
        words = f"{self._clause(rng, kind, noun.word, left, not left)} .".split()
        tags = [f"B-{kind}" if word == noun.word else "O" for word in words]
        return {"words": words, "tags": tags}

    def _noun(self, rng: random.Random, kind: str) -> str:
        return _draw(rng, self._of[kind]).word


TASKS: dict[str, dict[str, Any]] = {
    "kind": {
        "kind": "sequence",
        "labels": list(KINDS),
        "metrics": ["accuracy"],
        "template": "kind: {text}",
        "texts": ["text"],
    },
    "either": {
        "kind": "sequence",
        "labels": list(ANSWERS),
        "metrics": ["accuracy"],
        "template": "either: {first} {second}",
        "texts": ["first", "second"],
    },
    "find": {
        "kind": "span",
        "metrics": ["exact_match"],
        "template": "find: {question} {context}",
    },
    "mood": {
        "kind": "sequence",
        "labels": list(MOODS),
        "metrics": ["accuracy"],
        "template": "mood: {text}",
        "texts": ["text"],
    },
    "sense": {
        "kind": "token",
        "labels": ["O", *(f"B-{kind}" for kind in KINDS)],
        "metrics": ["f1"],
        "template": "sense: {words}",
    },
}
"""The tasks as declarations (docs/own_tasks.md)."""


def _words(rng: random.Random) -> Iterator[str]:
    """Yield words of two syllables and maybe a last consonant, each once."""
    seen: set[str] = set()
    while True:
        syllables = [rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(2)]
        word = "".join(syllables) + rng.choice(["", *_CONSONANTS[:6]])
        if word not in seen:
            seen.add(word)
            yield word


def _draw(rng: random.Random, nouns: Sequence[Noun]) -> Noun:
    """Draw one by Zipf's law: the first twice as often as the second."""
    weights = accumulate(1 / rank for rank in range(1, len(nouns) + 1))
    return rng.choices(nouns, cum_weights=list(weights))[0]
