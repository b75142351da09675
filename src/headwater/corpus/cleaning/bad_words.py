"""Finding words of a list in a text.

The T5 paper (section 2.2) drops every page with a word of the "List of Dirty, Naughty, Obscene or
Otherwise Bad Words". An entry counts where no letter or digit is on either side of it, in
capitals or not:

    list: "ass", "big black"      "An Ass!" is found, "a class" is not, "big black" is found

The list comes from a file, one entry a line; headwater ships none.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import final

from headwater.errors import UserError
from headwater.files import read_text

_WORD = re.compile(r"\w+")


@final
class BadWords:
    """A list of words and phrases to look for."""

    def __init__(self, entries: Iterable[str]) -> None:
        wanted = {entry.lower() for entry in entries}
        # Most entries are single words, for which a set is far quicker than a long expression.
        self._words = {entry for entry in wanted if _WORD.fullmatch(entry)}
        phrases = sorted(wanted - self._words, key=lambda entry: (-len(entry), entry))
        either = "|".join(map(re.escape, phrases))
        self._phrases = re.compile(rf"(?<!\w)(?:{either})(?!\w)") if phrases else None

    def find(self, text: str) -> str | None:
        """Return an entry that the text holds, or None."""
        text = text.lower()
        found = self._words.intersection(_WORD.findall(text))
        if found:
            return min(found)
        phrase = self._phrases.search(text) if self._phrases else None
        return phrase[0] if phrase else None


def read_bad_words(file: Path) -> tuple[str, ...]:
    """Return the entries of a list, one a line; empty lines are left out."""
    entries = tuple(line.strip() for line in read_text(file).splitlines() if line.strip())
    if not entries:
        raise UserError(f"{file}: empty; one word or phrase a line was expected")
    return entries
