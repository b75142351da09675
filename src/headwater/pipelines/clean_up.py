"""Spaces before punctuation, taken out as the old pipelines do."""

_JOINED = (" .", " ?", " !", " ,", " n't", " 'm", " 's", " 've", " 're")


def clean_up(text: str) -> str:
    """Return a text without the spaces that tokens of words leave in English.

    >>> clean_up("It is n't his , is it ?")
    "It isn't his, is it?"
    """
    text = text.replace(" ' ", "'")
    for each in _JOINED:
        text = text.replace(each, each[1:])
    return text
