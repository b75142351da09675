"""The words of a question that are searched for."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS = _words("""
    a about after all also am an and any are as at be because been before being between both but by
    can could did do does doing done during each either for from further get gets give gives had
    has have having he her here hers him his how however i if in into is it its itself just let may
    me might mine more most much must my name no nor not of off on one only or other our out over
    own same shall she should since so some such tell than that the their them then there these
    they this those though through to too under until up upon us very was we were what when where
    whether which while who whom whose why will with within without would you your
""")
"""Words of questions that say nothing of the answer's place."""

_MOST = 64  # words that are searched for: a search takes as long as they have places
_WORD = re.compile(r"[^\W_]+")
_NO_WORDS = frozenset(("s", "t", "d", "ll", "re", "ve", "m"))  # what follows an apostrophe


def question_words(question: str) -> list[str]:
    """Return the different words of a question, without stop words unless it has no others.

    >>> question_words("What is the Aare's length in Bern, and the width in BERN?")
    ['aare', 'length', 'bern', 'width']
    >>> question_words("Who are you?")
    ['who', 'are', 'you']
    """
    words = list(dict.fromkeys(found[0].lower() for found in _WORD.finditer(question)))
    told = [word for word in words if word not in STOP_WORDS and word not in _NO_WORDS]
    return (told or words)[:_MOST]
