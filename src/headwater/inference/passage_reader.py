"""Answering from the passages that a search found, the best first.

A reader alone trusts every passage alike, and the more it reads the likelier one of them misleads
it. So the score of a span, which is how far it is ahead of "no answer" in its passage, is lowered
by `rank_weight` x log(rank): the search's order is a prior (as in Yang et al. 2019, "End-to-End
Open-Domain Question Answering with BERTserini", where a weight mixes both scores).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

from headwater.errors import UserError
from headwater.inference.answer import Answer
from headwater.inference.extractive_reader import ExtractiveReader
from headwater.inference.ranking import Ranking, plain
from headwater.inference.score_scaling import UNSCALED, ScoreScaling
from headwater.tasks.spans import SpanChoice
from headwater.text.phrases import FUNCTION_WORDS

RANK_WEIGHT = 1.5
"""How much the search's order counts, unless `headwater index calibrate` found another weight.

On 400 questions of SQuAD's training part among 18,860 passages, F1 with the reader of 0.1.0 is 65.5
for 5 passages and 66.5 for 10; without the order it is 65.3 and 65.5 (LOG.md, "Rank weight").
"""

_EDGES = ".,;:!?()[]{}\"'“”‘’„«»…"


class PassageReader(Protocol):
    """Answers a question from ranked passages."""

    def __call__(
        self, question: str, passages: Sequence[str], top_k: int = 1, above: Sequence[str] = (), /
    ) -> list[Answer]:
        """Return up to `top_k` answers, the best first; the first may be "no answer".

        The `source` of an answer and of its places is the number of the passage, from 0.

        Args:
            above: the headings of each passage, which are read with it; no answer is there.
        """
        ...


@final
@dataclass(frozen=True, slots=True)
class SpanPassageReader:
    """Finds answers in passages.

    rank_weight: what is taken from a span's score for each unit of log(rank).
    threshold: how far "no answer" must be ahead to win; None: it is no candidate.
    scaling: of the scores of answers.
    """

    reader: ExtractiveReader
    rank_weight: float = RANK_WEIGHT
    threshold: float | None = None
    scaling: ScoreScaling = UNSCALED

    def __call__(
        self, question: str, passages: Sequence[str], top_k: int = 1, above: Sequence[str] = ()
    ) -> list[Answer]:
        if not question.strip():
            raise UserError("the question is empty")
        choices = self.reader.choices(question, passages, top_k, above)
        return list(map(self.scaling.scaled, self.ranked(choices, passages, top_k)))

    def ranked(
        self, choices: Sequence[SpanChoice], passages: Sequence[str], top_k: int = 1
    ) -> list[Answer]:
        """Return the answers among the spans of each passage, with scores that are not scaled."""
        ranking = Ranking(top_k, self.threshold, self.reader.temperatures, same=core)
        for number, (choice, text) in enumerate(zip(choices, passages, strict=True)):
            handicap = self.rank_weight * math.log(number + 1)
            ranking.add(choice, text, str(number), handicap)
        return ranking.answers()[1]


def core(text: str) -> str:
    """Return what near-duplicate answers have in common.

    That is all but case, white space, marks around words, and function words.

    >>> core("in 1843"), core("The Rhine."), core("The Who"), core("3.5 km")
    ('1843', 'rhine', 'the who', '3.5 km')
    """
    words = [word.strip(_EDGES) for word in text.casefold().split()]
    return " ".join(word for word in words if word and word not in FUNCTION_WORDS) or plain(text)
