"""Removing evaluation data from training text.

A paragraph (a line) is dropped if more than 20% of its word 8-grams occur in a held-out file
(headwater.data.split; after Brown et al. 2020, appendix C):

    held out:   He was born in the old mill by the river in 1843 .
    dropped:    he was born in the old mill by the river, they say
    kept:       The mill was old.            fewer than 8 words have no 8-gram
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import final

from headwater.corpus.json_texts import JSON_KINDS, json_texts
from headwater.corpus.read import DocumentPart
from headwater.data.overlap import GRAM, LIMIT, WORD, grams, share
from headwater.errors import UserError
from headwater.files import read_text
from headwater.remote.copies import here
from headwater.text_files import suffix_of


@final
class HeldOut:
    """The 8-grams of held-out files, and the number of paragraphs dropped because of them.

    Args:
        files: SQuAD's format or any other `.json` or `.jsonl`, in which every string counts;
            anything else is one text. A name may end in `.gz`, and be a URL.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._seen: set[int] = set()
        self.dropped = 0
        for file in map(here, files):
            texts = {text for text in _texts(file) if len(WORD.findall(text)) >= GRAM}
            if not texts:
                raise UserError(f"{file}: no text of {GRAM} words or more to keep out")
            for text in texts:
                self._seen |= grams(text)

    def overlaps(self, text: str) -> bool:
        """Tell whether a text shares too much with the held-out files."""
        return share(text, self._seen) > LIMIT

    def clear(self, text: str) -> str:
        """Return the text without the lines that overlap; they are counted in `dropped`."""
        lines = text.split("\n")
        kept = [line for line in lines if not self.overlaps(line)]
        self.dropped += len(lines) - len(kept)
        return "\n".join(kept)


def without_overlaps(parts: Iterable[DocumentPart], held_out: HeldOut) -> Iterator[DocumentPart]:
    """Yield documents without the paragraphs that overlap."""
    for part in parts:
        yield DocumentPart(held_out.clear(part.text), part.last)


def _texts(file: Path) -> Iterator[str]:
    return json_texts(file) if suffix_of(file) in JSON_KINDS else iter((read_text(file),))
