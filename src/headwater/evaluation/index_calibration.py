"""Choosing how an index is asked: by which weight, threshold and scale of scores.

They are chosen on questions that no reader was trained on. Every question's passages are read
once. By the weight the best spans have the highest F1 on questions with an answer, up to chance;
the threshold then is that of SQuAD 2.0 (`no_answer.calibrate_threshold`) for scores so weighted;
and last, scores of answers are scaled to the share of right ones (`score_scaling`).
"""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple, Unpack

import numpy as np

from headwater.documents.asking import Asking, above, most_promising
from headwater.documents.calibrations import Calibration, keep_calibration
from headwater.documents.index import Index, open_index
from headwater.errors import UserError
from headwater.evaluation.calibration import RIGHT
from headwater.evaluation.index_questions import LabelledQuestion, read_questions
from headwater.inference.loaded import load
from headwater.inference.loading import Loading
from headwater.inference.no_answer import calibrate_threshold
from headwater.inference.passage_reader import RANK_WEIGHT, SpanPassageReader
from headwater.inference.score_scaling import ScoreScaling
from headwater.metrics.qa import f1, f1_or_null, with_words
from headwater.progress import counted_progress
from headwater.tasks.spans import SpanChoice

logger = logging.getLogger(__name__)

WEIGHTS = tuple(step / 4 for step in range(25))
"""The weights that are compared: 0 to 6."""

ENOUGH = 100
"""Questions below which what is chosen is mostly chance."""


class Span(NamedTuple):
    """The best span of a passage: its rank from 1, how far it is ahead of "no answer", its F1."""

    rank: int
    margin: float
    f1: float

    def score(self, weight: float) -> float:
        """Return what the span is compared by."""
        return self.margin - weight * math.log(self.rank)


NOTHING = Span(1, -math.inf, 0.0)
"""What stands for the span of a question for which there is none: it is never answered with."""


class Read(NamedTuple):
    """What was read for a question.

    spans: the best of each passage; none where the search found nothing.
    golds: none where the documents do not answer.
    texts, choices: the passages, and all spans of each.
    """

    spans: Sequence[Span]
    golds: Sequence[str]
    texts: Sequence[str] = ()
    choices: Sequence[SpanChoice] = ()

    def best(self, weight: float) -> Span:
        """Return the span that is answered with; of equal ones the first."""
        return max(self.spans, key=lambda span: span.score(weight), default=NOTHING)


def calibrate_index(
    path: Path,
    data: Sequence[Path],
    model: str = "reader",
    read: int = Asking().read,
    **loading: Unpack[Loading],
) -> dict[str, float]:
    """Choose on labelled questions, keep what was chosen in the index, and say what it gives.

    `f1` is that of questions with an answer when every one is answered, in percent; `f1_before` is
    that by the weight until then.
    """
    questions = read_questions(data)
    if len(questions) < ENOUGH:
        logger.warning("%d questions are few; a few hundred are needed", len(questions))
    loaded = load(model, **loading)
    with open_index(path) as index:
        before = index.passage_reader(loaded, Asking())
        if not isinstance(before, SpanPassageReader) or loaded.folder is None:
            raise UserError(f"{model}: writes answers; only a model that finds them is calibrated")
        found = list(_read_all(index, before, questions, read))
    chosen = choose(found)
    threshold = before.threshold if chosen.threshold is None else chosen.threshold
    after = replace(before, rank_weight=chosen.rank_weight, threshold=threshold)
    scaling = scaling_of(found, after)
    chosen = replace(chosen, slope=scaling.slope, intercept=scaling.intercept)
    keep_calibration(path, loaded.folder, chosen)
    if chosen.threshold is None:
        logger.info("no question without an answer among these: the no-answer threshold stays")
    weights = {"f1": chosen.rank_weight, "f1_before": before.rank_weight}
    shown = {name: value for name, value in asdict(chosen).items() if value is not None}
    return shown | {name: 100 * mean_f1(found, weight) for name, weight in weights.items()}


def choose(found: Sequence[Read]) -> Calibration:
    """Choose the weight, and the threshold, if any can be."""
    if not any(each.golds for each in found):
        raise UserError("no question that the documents answer; a calibration needs some")
    weight = _weight(found)
    threshold = None
    if not all(each.golds for each in found):
        best = [each.best(weight) for each in found]
        margins = [-span.score(weight) for span in best]
        impossible = [not each.golds for each in found]
        threshold = calibrate_threshold(margins, [span.f1 for span in best], impossible)
    return Calibration(weight, threshold, len(found))


def _weight(found: Iterable[Read]) -> float:
    """Return the weight nearest to the usual one that is as good as the best, up to chance.

    Chance is one standard error of the difference, question by question (Breiman et al. 1984).
    """
    answerable = [each for each in found if each.golds]
    f1s = np.array([[each.best(weight).f1 for each in answerable] for weight in WEIGHTS])
    behind = f1s[f1s.mean(axis=1).argmax()] - f1s
    error = behind.std(axis=1) / math.sqrt(len(answerable))
    fitting = np.array(WEIGHTS)[behind.mean(axis=1) <= error]
    return float(fitting[np.abs(fitting - RANK_WEIGHT).argmin()])


def mean_f1(found: Iterable[Read], weight: float) -> float:
    """Return the mean F1 of the best spans of questions with an answer, 0 to 1."""
    scores = [each.best(weight).f1 for each in found if each.golds]
    return sum(scores) / len(scores)


def scaling_of(found: Iterable[Read], reader: SpanPassageReader) -> ScoreScaling:
    """Return what makes the scores of a reader's answers the share of right ones."""
    scores, right = [], []
    for each in (one for one in found if one.spans):
        [answer, *_] = reader.ranked(each.choices, each.texts)
        if not answer.no_answer:
            scores.append(answer.score)
            right.append(any(f1(answer.text, gold) >= RIGHT for gold in each.golds))
    return ScoreScaling.fit(scores, right)


def _read_all(
    index: Index, reader: SpanPassageReader, questions: Sequence[LabelledQuestion], read: int
) -> Iterable[Read]:
    with counted_progress(index.path.name, "questions", logger) as progress:
        progress.start(total=len(questions))
        for number, labelled in enumerate(questions, 1):
            hits = index.search(labelled.question, Asking(read=read).searched)
            first = [same[0] for same in most_promising(hits, read)]
            texts = [hit.text for hit in first]
            choices = reader.reader.choices(labelled.question, texts, 1, list(map(above, first)))
            spans = list(_spans(choices, labelled.answers))
            yield Read(spans, labelled.answers, texts, choices)
            progress.advance(number)


def _spans(choices: Iterable[SpanChoice], golds: Sequence[str]) -> Iterable[Span]:
    for rank, choice in enumerate(choices, 1):
        if choice.candidates:
            text = choice.candidates[0].text
            score = max(f1_or_null(text, gold) for gold in with_words(golds))
            yield Span(rank, -choice.no_answer_margin, score)
