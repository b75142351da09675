"""Writing an answer from the passages that a search found, and finding it in them.

The model writes from each passage. The same text from several passages is one answer, whose score
is the sum of theirs, each times rank ** -rank_weight (see `passage_reader`).
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple, final

from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.inference.answer import Answer, Place
from headwater.inference.generative_reader import GenerativeReader
from headwater.inference.passage_reader import RANK_WEIGHT, core


class _Written(NamedTuple):
    """A text that was written from a passage, and its part of the score."""

    passage: int
    answer: Answer
    score: float


@final
@dataclass(frozen=True, slots=True)
class WritingPassageReader:
    """Writes answers from passages.

    An answer's `places` are those where its text stands word for word; there may be none. "No
    answer" wins where it was written from every passage.
    """

    reader: GenerativeReader
    rank_weight: float = RANK_WEIGHT

    def __call__(
        self, question: str, passages: Sequence[str], top_k: int = 1, above: Sequence[str] = ()
    ) -> list[Answer]:
        if not question.strip():
            raise UserError("the question is empty")
        texts = [
            f"{headings}\n\n{text}" if headings else text
            for headings, text in zip_longest(above, passages, fillvalue="")
        ]
        examples = [SpanExample("", question, text, ()) for text in texts]
        groups: dict[str, list[_Written]] = defaultdict(list)
        total = 0.0
        for number, prediction in enumerate(self.reader.predict(examples, top_k)):
            for answer in prediction.answers:
                score = answer.score * (number + 1) ** -self.rank_weight
                total += score
                if not answer.no_answer:
                    groups[core(answer.text)].append(_Written(number, answer, score))
        answers = [_answer(group, passages, total or 1.0) for group in groups.values()]
        answers.sort(key=lambda answer: -answer.score)
        return answers[:top_k] or [Answer.none(1.0)]


def _answer(group: Sequence[_Written], passages: Sequence[str], total: float) -> Answer:
    best = max(group, key=lambda each: each.score)
    places = [
        place
        for each in sorted(group, key=lambda each: -each.score)
        if (place := _place(each, passages[each.passage], each.score / total)) is not None
    ]
    score = sum(each.score for each in group) / total
    return Answer(best.answer.text, score, source=str(best.passage), places=tuple(places))


def _place(written: _Written, passage: str, score: float) -> Place | None:
    """Return where a passage has what was written from it, whatever its case and spaces."""
    words = r"\s+".join(map(re.escape, written.answer.text.split()))
    found = re.search(rf"(?<!\w){words}(?!\w)", passage, re.IGNORECASE)
    if found is None:
        return None
    return Place.around(passage, *found.span(), score, str(written.passage))
