"""What a search finds: passages with their place, and quotes as they stand in the document."""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from headwater.documents.literal import Edits
from headwater.documents.question_words import question_words
from headwater.metrics.porter import stem
from headwater.text.sentences import sentences

_WORD = re.compile(r"[^\W_]+")


class Quote(NamedTuple):
    """A part of a document.

    text: as it stands in the text that was extracted from the file.
    start, end: offsets in characters of that text.
    page: on which it begins, from 1 on; None where there are no pages.
    """

    text: str
    start: int
    end: int
    page: int | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found.

    passage: its number in the index.
    file: the path of its file.
    title: that of the document.
    headings: those that the passage stands under.
    text: as it is searched and read; `quote` gives it, or a part, as it stands in the document.
    score: that of the search; higher is better.
    page: on which it begins, from 1 on; None where there are no pages.
    start, end: offsets in characters of the file's extracted text.
    edits: what was changed there to make `text` of it.
    """

    passage: int
    file: str
    title: str
    headings: tuple[str, ...]
    text: str
    score: float
    page: int | None
    start: int
    end: int
    edits: Edits = field(repr=False, compare=False)

    def quote(self, start: int = 0, end: int | None = None) -> Quote:
        """Return `text[start:end]` as it stands in the document, with its offsets and its page."""
        literal = self.edits.literal(self.text)
        first, end, _ = slice(start, end).indices(len(self.text))
        first, last = self.edits.span(first, max(first, end))
        page = None if self.page is None else self.page + literal.count("\f", 0, first)
        return Quote(literal[first:last], self.start + first, self.start + last, page)

    def nearest(self, question: str) -> Quote:
        """Return the sentence that has most of a question's words, the first of several."""
        wanted = {stem(word) for word in question_words(question)}

        def shared(span: tuple[int, int]) -> int:
            words = _WORD.findall(self.text[slice(*span)].lower())
            return len(wanted.intersection(map(stem, words)))

        best = max(sentences(self.text), key=shared, default=(0, len(self.text)))
        return self.quote(*best)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON, with the whole passage as it stands in the document."""
        names = ("file", "title", "headings", "page", "start", "end", "score", "text")
        return {name: getattr(self, name) for name in names} | {"quote": self.quote().text}
