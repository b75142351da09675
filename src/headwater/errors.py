"""The one exception that means "the user can mend this", and the hint it often ends with."""

import difflib
from collections.abc import Iterable, Sequence

_COMPARED = 1000  # names: a comparison takes 10 microseconds


class UserError(ValueError):
    """A mistake of the user's, in one line: the file, the line, what was expected, the fix.

    The command line prints it and exits with 2. Every other exception is a fault of ours
    and exits with 1.
    """


class MissingField(UserError):
    """A file lacks something that it should have; test sets lack their answers on purpose."""


class Diverged(UserError):
    """A training whose loss, gradient or weights are no longer finite; its settings are wrong."""


def with_article(name: str) -> str:
    """Return a name as a sentence has it.

    >>> with_article("elmo"), with_article("bert")
    ('an elmo', 'a bert')
    """
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts; the plural is that of most nouns.

    >>> counted(1, "line"), counted(1043, "row"), counted(12000, "example")
    ('1 line', '1043 rows', '12,000 examples')
    """
    shown = number if number < 10_000 else f"{number:,}"
    return f"{shown} {noun}{'' if number == 1 else 's'}"


def listed(names: Iterable[object], most: int = 10, between: str = ", ") -> str:
    """Return names as a sentence has them; of a long list the first ones, and how many there are.

    >>> listed(["a", "b"]), listed(range(100_000), 2)
    ('a, b', '0, 1 and 99,998 more')
    """
    texts = [str(name) for name in names]
    rest = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return between.join(texts[:most]) + rest


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that a misspelt one is likely to mean.

    >>> nearest("squat", ["squad", "glue"]), nearest("ner", ["squad", "glue"])
    ('squad', None)
    >>> nearest("body", ["text", " BODY"])
    ' BODY'
    """
    plain = name.strip().casefold()
    near = [each for each in known if each.strip().casefold() == plain]
    near = near or difflib.get_close_matches(name, known[:_COMPARED], n=1, cutoff=0.5)
    return near[0] if near else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "there are") -> str:
    """Return the nearest known name as a hint, or all of them.

    >>> did_you_mean("squat", ["squad", "glue"]), did_you_mean("ner", ["squad", "glue"])
    ("did you mean 'squad'?", 'there are squad, glue')
    """
    known = list(known)
    near = nearest(name, known)
    return f"{otherwise} {listed(known)}" if near is None else f"did you mean {near!r}?"
