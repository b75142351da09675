"""Measuring a model on a task, with the official metrics.

    result = evaluate(reader, SQUAD_V2, examples)
    result.metrics["f1"], result.with_intervals().intervals["f1"]

Only the answer texts are kept, so that memory stays small whatever the model and the data are.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from headwater.data.example import DataSource, Example, Examples, RetrievalExample
from headwater.data.task import Task
from headwater.distributed.processes import ONE, Processes
from headwater.evaluation.calibration import JUDGES, Calibration, of_answers, of_decisions
from headwater.files import replace_file, write_json
from headwater.inference.answer import Decision, Predicted, Prediction, Predictor
from headwater.metrics.classes import class_report, confusion
from headwater.metrics.items import item_sums, score_intervals
from headwater.metrics.several import label_report
from headwater.progress import Display, Progress

logger = logging.getLogger(__name__)
E = TypeVar("E", bound=Example)
T = TypeVar("T")
Sure = Callable[[Decision], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Predictions:
    """A model's predictions by the ids of the examples.

    texts: as the task's prediction files have them; "" stands for no answer.
    no_answer_probabilities: None where every question is answered.
    scores: the probability of the answer to each question, or of there being none.
    decisions: with their probabilities, where they are kept.
    sure: how sure the model is of each class or entity of a prediction (`calibration.Judge`).
    margins, best_spans: what a threshold is calibrated on (`no_answer.calibrate`); only models
        that find spans give them.
    """

    texts: dict[str, str]
    no_answer_probabilities: dict[str, float] | None
    margins: dict[str, float]
    best_spans: dict[str, str]
    scores: dict[str, float] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    sure: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores, and the predictions they come from.

    metrics: the scores by their official names, in percent.
    predictions: what was predicted.
    task: the task.
    examples: what was predicted on.
    intervals: the 95% interval of each score that has items; see `with_intervals`.
    """

    metrics: dict[str, float]
    predictions: Predictions
    task: Task[Any]
    examples: DataSource[Any]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)

    def with_intervals(self) -> "Evaluation":
        """Return it with how sure each score is: 10,000 bootstrap resamples of the examples."""
        said = self.predictions
        scored = self.task.scored(self.examples, said.texts, said.no_answer_probabilities)
        items = item_sums(self.task.metric_kind, self.task.metric_names, scored)
        return replace(self, intervals=score_intervals(items))

    def save(self, folder: Path) -> None:
        """Write metrics.json, intervals.json, the task's prediction files and report.

        Of classes there are report.txt, a line for each, and confusion.png: see `metrics.classes`;
        where a text may have several labels, report.txt alone.
        Of answers, classes and entities with probabilities there are also calibration.json and
        reliability.png: see `calibration`.
        No-answer probabilities and intervals of an earlier evaluation are removed where there are
        none now.
        """
        write_json(folder / "metrics.json", self.metrics)
        if self.intervals:
            write_json(folder / "intervals.json", self.intervals)
        else:
            (folder / "intervals.json").unlink(missing_ok=True)
        file = self.task.prediction_file
        replace_file(folder / file.name, file.dump(self.examples, self.predictions.texts))
        if report := self.task.report(self.examples, self.predictions.texts):
            replace_file(folder / "report.txt", report)
        self._save_classes(folder)
        self._save_calibration(folder)
        path = folder / "no_answer_probabilities.json"
        if self.predictions.no_answer_probabilities is None:
            path.unlink(missing_ok=True)
        else:
            write_json(path, self.predictions.no_answer_probabilities)

    def _save_classes(self, folder: Path) -> None:
        if self.task.metric_kind not in ("sequence", "multi_label"):
            return
        golds = {id: each[0] for id, each in self.task.golds(self.examples).items()}
        predicted = [self.predictions.texts.get(id, "") for id in golds]
        known, labels = list(golds.values()), self.task.labels
        if self.task.metric_kind == "multi_label":
            replace_file(folder / "report.txt", label_report(known, predicted, labels))
            return
        from headwater.pictures.confusion import draw_confusion  # matplotlib takes a second

        replace_file(folder / "report.txt", class_report(known, predicted, labels))
        draw_confusion(confusion(known, predicted, labels), labels, folder / "confusion.png")

    @property
    def calibration(self) -> Calibration | None:
        """How far the model's scores can be believed; None where it gave none."""
        said, golds = self.predictions, self.task.golds(self.examples)
        if said.scores:
            return of_answers(said.texts, said.scores, golds)
        if any(said.sure.values()):
            return of_decisions(JUDGES[self.task.kind], said.texts, said.sure, golds)
        return None

    def _save_calibration(self, folder: Path) -> None:
        file, picture = folder / "calibration.json", folder / "reliability.png"
        found = self.calibration
        if found is None:
            file.unlink(missing_ok=True)
            picture.unlink(missing_ok=True)
            return
        from headwater.pictures.reliability import draw_reliability  # matplotlib takes a second

        write_json(file, found.to_dict())
        draw_reliability(found.bins, found.error, picture)


def progress_of(task: Task[Any]) -> Progress:
    """Return the progress of an evaluation: a line every half minute, or a bar."""
    line = "{name}: {done} of {total} examples, {rate:.1f}/s, {left} left"
    rate = "{rate:.1f}/s"
    return Progress(Display(task.name, logger, line, every=30.0, rate=rate, transient=True))


def predict(
    predictor: Predictor[E],
    examples: DataSource[E],
    progress: Progress | None = None,
    *,
    keep: bool = False,
    sure: Sure | None = None,
    processes: Processes = ONE,
) -> Predictions:
    """Predict every example, with and without known answers.

    Each process predicts a part; all return the predictions of all, in the examples' order.

    Args:
        keep: the decisions.
        sure: what is kept of the probabilities of each.
    """
    if processes.world > 1:
        return _together(predictor, examples, progress, processes, keep=keep, sure=sure)
    found = Predictions({}, {}, {}, {})
    if progress is not None:
        progress.start(len(examples))
    for done, each in enumerate(predictor(examples), start=1):
        _note(found, each, keep=keep, sure=sure)
        if progress is not None:
            progress.advance(done)
    return found if found.no_answer_probabilities else replace(found, no_answer_probabilities=None)


def _note(found: Predictions, each: Predicted, *, keep: bool, sure: Sure | None) -> None:
    """Add the prediction of an example to those found so far."""
    found.texts[each.id] = each.text
    if isinstance(each, Decision):
        if keep:
            found.decisions[each.id] = each
        if sure is not None:
            found.sure[each.id] = sure(each)
    if isinstance(each, Prediction):
        found.scores[each.id] = each.answers[0].score
        if each.no_answer_probability is not None:
            assert found.no_answer_probabilities is not None
            found.no_answer_probabilities[each.id] = each.no_answer_probability
        if each.no_answer_margin is not None:
            found.margins[each.id], found.best_spans[each.id] = (
                each.no_answer_margin,
                each.best_span,
            )


def _together(
    predictor: Predictor[E],
    examples: DataSource[E],
    progress: Progress | None,
    processes: Processes,
    *,
    keep: bool,
    sure: Sure | None,
) -> Predictions:
    """Predict neighbouring examples in each process, and put the predictions of all together."""
    if len(examples) and isinstance(examples[0], RetrievalExample):
        return predict(predictor, examples, progress, keep=keep)  # among all passages
    begin, end = (len(examples) * (processes.rank + more) // processes.world for more in (0, 1))
    own = Examples([examples[index] for index in range(begin, end)])
    nothing = Predictions({}, None, {}, {})
    found = predict(predictor, own, progress, keep=keep, sure=sure) if len(own) else nothing
    parts = processes.gather(found)
    probabilities = [each.no_answer_probabilities for each in parts]
    return Predictions(
        _joined(each.texts for each in parts),
        _joined(each for each in probabilities if each is not None) or None,
        _joined(each.margins for each in parts),
        _joined(each.best_spans for each in parts),
        _joined(each.scores for each in parts),
        _joined(each.decisions for each in parts),
        _joined(each.sure for each in parts),
    )


def _joined(parts: Iterable[dict[str, T]]) -> dict[str, T]:
    return {id: value for part in parts for id, value in part.items()}


def evaluate(
    predictor: Predictor[E],
    task: Task[E],
    examples: DataSource[E],
    progress: Progress | None = None,
    processes: Processes = ONE,
) -> Evaluation:
    """Predict, a part of the examples in each process, and score.

    Args:
        predictor: such as `model.predictor(task)`; for a task without null answers one that always
            answers (no threshold).
        task: what is scored, by its official metrics.
        examples: what `task.read` gave.
        progress: shows how far it is; None: nothing does.
        processes: those that share the work.
    """
    judge = JUDGES.get(task.kind)
    sure = judge.sure if judge is not None else None
    predictions = predict(predictor, examples, progress, sure=sure, processes=processes)
    metrics = task.score(examples, predictions.texts, predictions.no_answer_probabilities)
    return Evaluation(metrics, predictions, task, examples)
