"""Spaces around punctuation, as T5's own checkpoints read questions (`_pad_punctuation` of its
published preprocessors, for SQuAD and TriviaQA).

    Who wrote "Faust"?    ->    Who wrote " Faust " ?

Whatever is no letter a to z, digit or underscore gets a space on each side, and white space becomes
single spaces. The letters of other alphabets are padded too: the published code's regular
expressions (RE2) know ASCII alone.
"""

import re

_TOKEN = re.compile(r"[0-9A-Za-z_]+|[^0-9A-Za-z_\t\n\f\r ]")


def pad_punctuation(text: str) -> str:
    """Return a text with spaces around punctuation.

    >>> pad_punctuation("Zoë's 1,000 books.")
    "Zo ë ' s 1 , 000 books ."
    """
    return " ".join(_TOKEN.findall(text))


def unpadded(text: str, context: str) -> str:
    """Return a padded text as it stands in the context; one that is not there stays as it is.

    >>> unpadded("Zo ë ' s 1 , 000", "In Zoë's 1,000 books.")
    "Zoë's 1,000"
    """
    tokens = list(_TOKEN.finditer(context))
    padded = "".join(f" {token[0]}" for token in tokens) + " "
    wanted = pad_punctuation(text)
    begin = padded.find(f" {wanted} ")
    if not wanted or begin < 0:
        return text
    first = padded.count(" ", 0, begin)
    last = first + wanted.count(" ")
    return context[tokens[first].start() : tokens[last].end()]
