"""What an index answers: passages are found and read once, and answered from by several settings.

default         as `headwater ask` does without a calibration
calibrated      by the rank weight, threshold and scale of scores that another index has
always          "the documents do not say" is no answer; where calibrated, by that weight
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.document_data import Question
from benchmarks.document_runs import show_answers
from headwater.documents.asking import Asking, above, most_promising
from headwater.documents.calibrations import Calibration, calibration_of
from headwater.documents.index import Index
from headwater.documents.store import opened_for_reading
from headwater.evaluation.calibration import of_answers
from headwater.inference.loaded import LoadedModel
from headwater.inference.passage_reader import SpanPassageReader
from headwater.inference.score_scaling import ScoreScaling
from headwater.metrics.qa import squad_v2
from headwater.tasks.spans import SpanChoice

_NEVER = 1000.0  # how far ahead "no answer" never is


class Read(NamedTuple):
    """The passages that were read for a question, what was found in each, and the seconds."""

    texts: Sequence[str]
    choices: Sequence[SpanChoice]
    seconds: float


def answer(
    index: Index,
    questions: Sequence[Question],
    model: LoadedModel,
    read: int,
    calibrated: Path | None,
) -> None:
    """Print how right a model's answers are, and the time of one.

    Args:
        read: how many passages it reads.
        calibrated: an index with a calibration for this model.
    """
    reader = index.passage_reader(model, Asking())
    assert isinstance(reader, SpanPassageReader)
    list(_read(index, questions[:1], reader, read))
    begin = time.process_time()
    found = list(_read(index, questions, reader, read))
    seconds = (time.process_time() - begin) / len(questions)
    calibration = None if calibrated is None else known(calibrated, model)
    for name, setting in _settings(reader, calibration).items():
        _show(name, setting, questions, found, seconds)
    times = np.percentile([1000 * each.seconds for each in found], (50, 90, 99))
    print("ms by the clock, p50, p90, p99:", *(f"{each:.0f}" for each in times), flush=True)


def known(index: Path, model: LoadedModel) -> Calibration:
    """Return what an index knows of a model."""
    assert model.folder is not None
    with closing(opened_for_reading(index)) as connection:
        calibration = calibration_of(connection, model.folder)
    if calibration is None:
        raise SystemExit(f"{index}: not calibrated for this model")
    print(f"\n{calibration}")
    return calibration


def _settings(
    reader: SpanPassageReader, calibration: Calibration | None
) -> dict[str, SpanPassageReader]:
    settings = {"default": reader, "always": replace(reader, threshold=_NEVER)}
    if calibration is not None:
        chosen = replace(
            reader,
            rank_weight=calibration.rank_weight,
            threshold=calibration.threshold,
            scaling=ScoreScaling(calibration.slope, calibration.intercept),
        )
        settings["calibrated"] = chosen
        settings["calibrated, always"] = replace(chosen, threshold=_NEVER)
    return settings


def _read(
    index: Index, questions: Sequence[Question], reader: SpanPassageReader, read: int
) -> Iterator[Read]:
    for question in questions:
        begin = time.perf_counter()
        hits = index.search(question.text, Asking(read=read).searched)
        first = [same[0] for same in most_promising(hits, read)]
        texts = [hit.text for hit in first]
        choices = reader.reader.choices(question.text, texts, 1, list(map(above, first)))
        yield Read(texts, choices, time.perf_counter() - begin)


def _show(
    name: str,
    reader: SpanPassageReader,
    questions: Sequence[Question],
    found: Sequence[Read],
    seconds: float,
) -> None:
    best = [reader.ranked(each.choices, each.texts)[0] for each in found]
    answers = [reader.scaling.scaled(each) for each in best]
    golds = {str(number): each.answers for number, each in enumerate(questions)}
    texts = dict(zip(golds, ("" if a.no_answer else a.text for a in answers), strict=True))
    scores = dict(zip(golds, (each.score for each in answers), strict=True))
    metrics = squad_v2(golds, texts)
    show_answers(name, metrics["exact"], metrics["f1"], seconds)
    silent = sum(each.no_answer for each in answers) / len(answers)
    error = of_answers(texts, scores, golds).error
    print(f"silent {silent:.3f}, expected calibration error {error:.3f}")
