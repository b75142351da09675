"""Measuring an index: what its search finds, what it answers, what it refuses, and how fast."""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack, final

import numpy as np

from headwater.documents.asking import Asking, answered
from headwater.documents.index import Index, open_index
from headwater.documents.reply import Reply
from headwater.evaluation.calibration import of_answers
from headwater.evaluation.index_questions import LabelledQuestion, read_questions
from headwater.files import check_writable, replace_file, write_json
from headwater.inference.loaded import LoadedModel, load
from headwater.inference.loading import Loading
from headwater.metrics.qa import squad_v2
from headwater.metrics.retrieval import mean_reciprocal_rank, recall
from headwater.progress import counted_progress

logger = logging.getLogger(__name__)

RANKS = (1, 5, 10, 50)
_PERCENTILES = (50, 90, 99)


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked, the passages that are right ("1") or not ("0"), and the time."""

    labelled: LabelledQuestion
    found: str
    reply: Reply
    seconds: float


def evaluate_index(
    path: Path,
    data: Sequence[Path],
    model: str = "reader",
    output: Path | None = None,
    **loading: Unpack[Loading],
) -> dict[str, float]:
    """Measure an index and a model on labelled questions (see `index_questions`).

    With `output`, metrics.json and replies.jsonl go there. Returns percent, but for counts and the
    milliseconds of a question, from its search to its answer.
    """
    if output is not None:
        check_writable(output)
    questions = read_questions(data)
    with open_index(path) as index:
        asked = ask_all(index, load(model, **loading), questions)
    metrics = measured(asked)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        replies = [{"id": each.labelled.id} | each.reply.to_dict() for each in asked]
        lines = [json.dumps(reply, ensure_ascii=False) + "\n" for reply in replies]
        replace_file(output / "replies.jsonl", "".join(lines))
        write_json(output / "metrics.json", metrics)
    return metrics


def ask_all(index: Index, model: LoadedModel, questions: Sequence[LabelledQuestion]) -> list[Asked]:
    """Ask an index every question; enough passages are found for every rank that is measured."""
    options = Asking()
    reader = index.passage_reader(model, options)
    most = max(options.searched, *RANKS)
    asked = []
    with counted_progress(index.path.name, "questions", logger) as progress:
        progress.start(total=len(questions))
        for number, each in enumerate(questions, 1):
            begin = time.perf_counter()
            hits = index.search(each.question, most)
            reply = answered(each.question, hits[: options.searched], reader, options.read, 1)
            seconds = time.perf_counter() - begin
            found = " ".join("01"[each.answered_by(hit)] for hit in hits)
            asked.append(Asked(each, found, reply, seconds))
            progress.advance(number)
    return asked


def measured(asked: Sequence[Asked]) -> dict[str, float]:
    """Return the metrics of what was asked.

    Recall and MRR are of the questions with an answer, EM and F1 those of SQuAD 2.0. Precision and
    recall of "the documents do not say" are there where it was said, or would have been right. The
    expected calibration error is that of the answers that were given.
    """
    metrics: dict[str, Any] = {"questions": len(asked)}
    found = [each.found for each in asked if each.labelled.answers]
    if found:
        metrics |= {f"recall@{k}": recall([["1"]] * len(found), found, k) for k in RANKS}
        metrics["mrr"] = mean_reciprocal_rank([["1"]] * len(found), found)
    numbered = list(enumerate(asked))
    golds = {str(number): each.labelled.answers for number, each in numbered}
    texts = {str(number): each.reply.text for number, each in numbered}
    metrics |= squad_v2(golds, texts)
    scores = {str(number): each.reply.score for number, each in numbered}
    metrics["calibration_error"] = 100 * of_answers(texts, scores, golds).error
    silent = [each for each in asked if each.reply.no_answer]
    without = [each for each in asked if not each.labelled.answers]
    right = sum(not each.labelled.answers for each in silent)
    for name, among in (("precision", silent), ("recall", without)):
        if among:
            metrics[f"no_answer_{name}"] = 100 * right / len(among)
    times = np.percentile([1000 * each.seconds for each in asked], _PERCENTILES)
    return metrics | {f"ms_p{p}": float(t) for p, t in zip(_PERCENTILES, times, strict=True)}
