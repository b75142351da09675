"""Words that may be an answer: runs without function words, after a word that comes before nouns.

>>> text = "He saw the old mill by the Rhine."
>>> [text[start:end] for start, end in phrases(text, 0, len(text))]
['old mill', 'Rhine']
"""

import re
from collections.abc import Iterator

LONGEST = 5  # words of a phrase

WORD = re.compile(r"\d[\d,.]*\d|[\w'’-]+%?")
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION_WORDS = _words("""
    a about after against all also although among an and any are as at be because been before
    being between both but by can could did do does during each either for from had has have he her
    here him his how i if in into is it its itself just may me might more most must my no nor not
    of off often on once one only or other our out over own per said same she should since so some
    such than that the their them then there these they this those though through thus to too two
    under until up upon us used very was we were what when where whether which while who whom
    whose why will with within without would yet you your
""")
_BEFORE_NOUN = _words("a an the of in by for from with on as its his her their")


def phrases(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the characters `(start, end)` of runs of at most LONGEST words, in order.

    They are names, numbers, and what follows a word that comes before nouns. What stands at
    `start`, where a sentence begins, is none.
    """
    run: list[re.Match[str]] = []
    before = ""
    for word in [*WORD.finditer(text, start, end), None]:
        joined = run and word and text[run[-1].end() : word.start()] == " "
        stop = word is None or word[0].lower() in FUNCTION_WORDS
        if run and (stop or not joined):
            phrase = text[run[0].start() : run[-1].end()]
            named = phrase != phrase.lower() or phrase[0].isdigit() or before in _BEFORE_NOUN
            if named and len(run) <= LONGEST and len(phrase) > 2 and run[0].start() > start:
                yield run[0].start(), run[-1].end()
            run = []
        if word is None:
            return
        if stop:
            before = word[0].lower()
        else:
            run.append(word)
