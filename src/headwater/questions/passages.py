"""Cutting documents into passages: neighbouring sentences, paragraphs where there are any.

A passage ends where a paragraph does, once it is long enough, and before a sentence with which it
would be too long. So headings and short lines join what follows them.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import NamedTuple

from headwater.corpus.held_out import HeldOut
from headwater.errors import UserError
from headwater.questions.config import QuestionConfig
from headwater.questions.documents import Document
from headwater.text.sentences import sentences

_WRAPPED = 120  # characters: a longer line was not wrapped at a fixed width, and is a paragraph


class Passage(NamedTuple):
    """A part of a document, as it stands there; `order` is its number in the corpus."""

    order: int
    title: str
    text: str

    @property
    def key(self) -> str:
        """A name for its text: 16 hexadecimal digits."""
        return digest(self.text)


def digest(*texts: object) -> str:
    """Return 16 hexadecimal digits that stand for texts."""
    joined = "\x1f".join(map(str, texts)).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(joined, digest_size=8).hexdigest()


@dataclass(slots=True)
class Passages:
    """The passages of a corpus in order, and how many were left out for which reason."""

    chosen: list[Passage] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """A digest of all titles and texts."""
        return digest(*(part for each in self.chosen for part in (each.title, each.text)))


def cut_passages(
    documents: Iterable[Document], config: QuestionConfig, held_out: HeldOut | None = None
) -> Passages:
    """Cut documents into passages, each different one once.

    Args:
        config: how long they are, and how many are drawn.
        held_out: texts with which no passage may overlap (`data.overlap`).
    """
    found = Passages(dropped=dict.fromkeys(("too short", "too long", "repeated"), 0))
    if held_out is not None:
        found.dropped["overlaps with held-out text"] = 0
    new = _new(documents, config, held_out, found.dropped)
    if config.passages is None:
        found.chosen = list(new)
    else:
        drawn = nsmallest(config.passages, new, key=lambda each: digest(config.seed, each.text))
        found.chosen = sorted(drawn, key=lambda each: each.order)
    if not found.chosen and not any(found.dropped.values()):
        raise UserError("no text to ask of: the documents are empty")
    if not found.chosen:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in found.dropped.items())
        raise UserError(
            f"no passage to ask of; passages left out: {reasons}. They have {config.min_characters}"
            f" to {config.max_characters} characters; --set min_characters=N, --set "
            "max_characters=N or other documents"
        )
    return found


def _new(
    documents: Iterable[Document],
    config: QuestionConfig,
    held_out: HeldOut | None,
    dropped: dict[str, int],
) -> Iterator[Passage]:
    seen: set[str] = set()
    order = 0
    for document in documents:
        for text in pack(document.text, config.min_characters, config.max_characters):
            passage = Passage(order, document.title, text)
            if len(text) < config.min_characters:
                dropped["too short"] += 1
            elif len(text) > config.max_characters:
                dropped["too long"] += 1
            elif passage.key in seen:
                dropped["repeated"] += 1
            elif held_out is not None and held_out.overlaps(text):
                dropped["overlaps with held-out text"] += 1
            else:
                seen.add(passage.key)
                order += 1
                yield passage


def pack(text: str, least: int, most: int) -> Iterator[str]:
    """Yield neighbouring sentences of a text, `least` to `most` characters where that can be.

    What remains before a longer sentence or at the end is shorter; a sentence may be longer.
    """
    first = last = 0
    for start, end in sentences(text):
        gap = text[last:start]
        full = end - first > most or (last - first >= least and _ends_paragraph(text, last, gap))
        if last > first and full:
            yield text[first:last]
            first = start
        elif last == first:
            first = start
        last = end
    if last > first:
        yield text[first:last]


def _ends_paragraph(text: str, end: int, gap: str) -> bool:
    if re.search(r"\n\s*\n", gap):
        return True
    return "\n" in gap and end - (text.rfind("\n", 0, end) + 1) > _WRAPPED
