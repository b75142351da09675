"""Porter's stemmer, for ROUGE of stems: `relational`, `relate` and `relates` become `relat`.

Endings are cut in five steps, each under a condition on what remains (Porter 1980, section 2).
Mostly it is the measure: how often vowels are followed by consonants, so that `tree` has 0 and
`oaten` 2. ROUGE's implementation rests on a later form of the algorithm, which this one equals:
a few words are stemmed by heart, `-ied` is an ending, `y` becomes `i` after a consonant only,
`-bli`, `-fulli` and `-logi` are endings of step 2, and a stem such as `us` counts as short.

>>> [stem(word) for word in ("relational", "hopping", "skies", "enjoyment", "happily")]
['relat', 'hop', 'sky', 'enjoy', 'happili']
"""

from collections.abc import Iterable

_BY_HEART = {
    **{"sky": "sky", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie"},
    **{"innings": "inning", "inning": "inning", "outings": "outing", "outing": "outing"},
    **{"cannings": "canning", "canning": "canning"},
    **{"news": "news", "howe": "howe", "proceed": "proceed", "exceed": "exceed"},
    "succeed": "succeed",
}

Rules = Iterable[tuple[str, str]]

_PLURALS: Rules = (("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", ""))

_DOUBLE_ENDINGS: Rules = (
    *(("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize")),
    *(("bli", "ble"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize")),
    *(("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful")),
    *(("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful")),
)

_FULL_ENDINGS: Rules = (
    *(("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic")),
    *(("ful", ""), ("ness", "")),
)

_LAST_ENDINGS = (
    *("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion"),
    *("ou", "ism", "ate", "iti", "ous", "ive", "ize"),
)


def stem(word: str) -> str:
    """Return the stem of a word in lower case; one of two letters or fewer is its own."""
    if word in _BY_HEART:
        return _BY_HEART[word]
    if len(word) <= 2:
        return word
    word = _without_tense(_without_plural(word))
    if word.endswith("y") and len(word) > 2 and _shape(word[:-1]).endswith("c"):
        word = word[:-1] + "i"
    word = _with_single_ending(word)
    word = _replaced(word, _FULL_ENDINGS, above=0)
    return _tidied(_without_last_ending(word))


def _shape(word: str) -> str:
    """Return `v` for each vowel, `c` for each consonant; a `y` is a vowel after a consonant."""
    shape = ""
    for letter in word:
        vowel = letter in "aeiou" or (letter == "y" and shape.endswith("c"))
        shape += "v" if vowel else "c"
    return shape


def _measure(word: str) -> int:
    return _shape(word).count("vc")


def _short(word: str) -> bool:
    """Whether the word ends as `hop` does, or is as `us`: its last `e` was silent, if any."""
    shape = _shape(word)
    return shape == "vc" or (shape.endswith("cvc") and word[-1] not in "wxy")


def _replaced(word: str, rules: Rules, above: int) -> str:
    """Replace the first ending that fits, if the measure of what remains is above a number."""
    for ending, other in rules:
        if word.endswith(ending):
            rest = word.removesuffix(ending)
            return rest + other if _measure(rest) > above else word
    return word


def _without_plural(word: str) -> str:
    """Step 1a: `caresses` -> `caress`, `ponies` -> `poni`, `ties` -> `tie`, `cats` -> `cat`."""
    if word.endswith("ies") and len(word) == 4:
        return word[:-1]
    return _replaced(word, _PLURALS, above=-1)


def _without_tense(word: str) -> str:
    """Step 1b: `agreed` -> `agree`, `plastered` -> `plaster`, `hopping` -> `hop`."""
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for ending in ("ed", "ing"):
        rest = word.removesuffix(ending)
        if rest != word and "v" in _shape(rest):
            return _mended(rest)
    return word


def _mended(word: str) -> str:
    """Give back what `-ed` and `-ing` took: `conflat` -> `conflate`, `hopp` -> `hop`."""
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if word[-1:] == word[-2:-1] and _shape(word).endswith("c"):
        return word if word[-1] in "lsz" else word[:-1]
    return word + "e" if _measure(word) == 1 and _short(word) else word


def _with_single_ending(word: str) -> str:
    """Step 2: `relational` -> `relate`, `hopefulli` -> `hopeful`, `geologi` -> `geolog`."""
    if word.endswith("alli"):
        if _measure(word[:-4]) == 0:
            return word
        word = word[:-2]
    if word.endswith("logi"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    return _replaced(word, _DOUBLE_ENDINGS, above=0)


def _without_last_ending(word: str) -> str:
    """Step 4: `allowance` -> `allow`, `adoption` -> `adopt`."""
    for ending in _LAST_ENDINGS:
        if word.endswith(ending):
            rest = word.removesuffix(ending)
            fits = _measure(rest) > 1 and (ending != "ion" or rest[-1] in "st")
            return rest if fits else word
    return word


def _tidied(word: str) -> str:
    """Step 5: `probate` -> `probat`, `cease` -> `ceas`, `controll` -> `control`."""
    if word.endswith("e"):
        rest = word[:-1]
        measure = _measure(rest)
        if measure > 1 or (measure == 1 and not _short(rest)):
            word = rest
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
