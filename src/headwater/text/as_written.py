"""Giving back the letters of a text that a model read and wrote without case, accents or spaces.

BERT's uncased vocabularies fold them: what they write of "Saint-Denis" is "saint - denis", of
"$5,550" is "$ 5 , 550". Where the same letters stand in the text that was read, they are given as
they stand there.

>>> as_written("saint - denis", "In Saint-Denis it cost $5,550.")
'Saint-Denis'
>>> recased("what did zoe see in paris?", "The girl, Zoë, saw Paris. What she saw was grey.")
'What did Zoë see in Paris?'
"""

import re
from unicodedata import category, normalize

_WORD = re.compile(r"[^\W_]+")
_BEGINS = re.compile(r"(?:^|[.!?:\n]\W*)$")
"""What stands before the first word of a sentence."""


def as_written(text: str, context: str) -> str:
    """Return a text as it stands in a context, as whole words; elsewhere it stays as it is."""
    letters = "".join(text.split())
    if not letters or text in context:
        return text
    pattern = re.compile(r"\s*".join(map(re.escape, letters)), re.IGNORECASE)
    for match in pattern.finditer(context):
        if _whole(context, *match.span()):
            return match[0]
    if context.isascii():
        return text
    folded, offsets = _folded(context)
    wanted = _folded(letters)[0]
    begin = folded.find(wanted) if wanted else -1
    while begin >= 0:
        start, end = offsets[begin], offsets[begin + len(wanted) - 1] + 1
        while end < len(context) and category(context[end]) == "Mn":
            end += 1
        if _whole(context, start, end):
            return context[start:end]
        begin = folded.find(wanted, begin + 1)
    return text


def recased(text: str, context: str) -> str:
    """Return a text without capitals with the names of a context as they stand there.

    A word has capitals where the context has it so inside of a sentence, and nowhere in lower
    case. The first letter is a capital.
    """
    if not text or any(letter.isupper() for letter in text):
        return text
    forms: dict[str, str] = {}
    for match in _WORD.finditer(context):
        word, key = match[0], _folded(match[0])[0]
        if word.islower() or not (key in forms or _BEGINS.search(context[: match.start()][-4:])):
            forms[key] = word
    found = _WORD.sub(lambda match: forms.get(_folded(match[0])[0], match[0]), text)
    return found[:1].upper() + found[1:]


def _whole(text: str, start: int, end: int) -> bool:
    """Tell whether a part of a text begins and ends between words."""
    pairs = (text[start - 1 : start + 1] if start else "", text[end - 1 : end + 1])
    return not any(len(pair) == 2 and pair.isalnum() for pair in pairs)


def _folded(text: str) -> tuple[str, list[int]]:
    """Return a text without case, accents and spaces, and where each letter of it came from."""
    letters: list[str] = []
    offsets: list[int] = []
    for offset, character in enumerate(text):
        for letter in normalize("NFD", character).lower():
            if not letter.isspace() and category(letter) != "Mn":
                letters.append(letter)
                offsets.append(offset)
    return "".join(letters), offsets
