"""Checking what a caller of the library gives: a wrong type is a UserError of one line.

Python's True is no number here, and NaN and infinity are none either.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from operator import index
from os import PathLike
from typing import Any

from headwater.errors import UserError, with_article


def check_text(value: Any, name: str) -> str:
    """Return a text that is called `name` in an error."""
    if not isinstance(value, str):
        raise UserError(f"{name}: a text was expected, not {shown(value)}")
    refuse_half_characters(value, name)
    return value


def refuse_half_characters(text: str, name: str = "the text") -> None:
    """Refuse half a surrogate pair, which no UTF-8 text can hold and no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise UserError(
            f"{name} holds half a character (\\u{code:04x} without its pair) "
            f"at position {error.start}"
        ) from None


def check_texts(value: Any, name: str) -> list[str]:
    """Return the texts of a list, or of anything that yields them; one text is a list of one."""
    if isinstance(value, str):
        return [value]
    return [
        check_text(text, f"{name}[{number}]")
        for number, text in enumerate(check_several(value, name, "a text or a list of texts"))
    ]


def check_several(value: Any, name: str, expected: str) -> list[Any]:
    """Return the items of a list, or of anything else that yields items and is no mapping."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        raise UserError(f"{name}: {expected} was expected, not {shown(value)}")
    return list(value)


def check_count(value: Any, name: str) -> int:
    """Return a whole number from 1 on."""
    try:
        number = 0 if isinstance(value, bool) else index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise UserError(f"{name} = {value!r:.40}: a whole number from 1 on was expected")
    return number


def check_number(value: Any, name: str) -> float:
    """Return a number that is finite."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{name} = {value!r:.40}: a number was expected")
    return float(value)


def check_name(value: Any, name: str) -> str:
    """Return what names a folder or a file: a text or a path."""
    if not isinstance(value, str | PathLike):
        raise UserError(f"{name}: a name or a path was expected, not {shown(value)}")
    return str(value)


def shown(value: Any) -> str:
    """Return a wrong value with its type.

    >>> shown(None), shown([3]), shown("x" * 99)
    ('None', 'a list', "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
    """
    if value is None or isinstance(value, bool | int | float | str):
        return f"{value!r:.40}"
    return with_article(type(value).__name__)


def check_seconds(texts: Sequence[str], text_pair: Any, one: bool) -> list[str | None]:
    """Return the second text of each of `texts`, or None; `one` was given without its list."""
    given = [text_pair] if one else check_several(text_pair, "text_pair", "a list of texts")
    if len(given) != len(texts):
        raise UserError(f"text_pair: {len(texts)} texts were expected, one for each of `text`")
    return [None if each is None else check_text(each, "text_pair") for each in given]


def check_filled(texts: Any, name: str) -> list[str]:
    """Return one text or several, none of which is empty."""
    found = check_texts(texts, name)
    for number, text in enumerate(found):
        if not text.strip():
            which = name if len(found) == 1 else f"{name}[{number}]"
            raise UserError(f"{which}: the text is empty")
    return found
