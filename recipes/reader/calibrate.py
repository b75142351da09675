"""Choose when a reader says that there is no answer, and how sure it is of what it says.

    python recipes/reader/calibrate.py MODEL VALIDATION OUTPUT

`finetune` chooses the threshold with the best F1 of the validation questions as they are, of which
few are unanswerable: such a reader answers too often. Here the smaller of two scores is the
greatest: F1 of the questions with an answer, and the share of the others that are not answered.
Then the two temperatures (`headwater.inference.temperatures`), those with the least expected
calibration error of the answers that are said; for this too both kinds of question count alike.
OUTPUT is a copy of the model with all three.
"""

import argparse
import itertools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import headwater
from headwater.checkpoints.folder import read_extra
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import EXTRA
from headwater.data.example import Examples, SpanExample
from headwater.evaluation.calibration import Calibration, of_answers
from headwater.evaluation.evaluator import Predictions, predict
from headwater.files import write_json
from headwater.inference.answer import sigmoid
from headwater.inference.extractive_reader import ExtractiveReader
from headwater.inference.no_answer import span_scores
from headwater.inference.temperatures import Temperatures
from headwater.tasks.squad import SQUAD_V2

AROUND = (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2)
SPANS, NO_ANSWER = (0.3, 0.4, 0.5, 0.7, 1.0), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)  # temperatures

Texts = Mapping[str, str]
Scores = Mapping[str, float]
Golds = Mapping[str, Sequence[str]]


def main() -> None:
    """Choose both on the same questions, show what the others give, write the model."""
    parser = argparse.ArgumentParser(description="Choose a reader's threshold and temperature.")
    parser.add_argument("model")
    parser.add_argument("validation", type=Path, help="a SQuAD 2.0 file")
    parser.add_argument("output", type=Path, help="the folder of the calibrated model")
    options = parser.parse_args()
    source = resolve(options.model)
    examples = SQUAD_V2.read([options.validation])
    reader = headwater.load(options.model).predictor(SQUAD_V2)
    assert isinstance(reader, ExtractiveReader)
    reader.temperatures = Temperatures()
    threshold = _threshold(examples, predict(reader, examples))
    reader.threshold = threshold
    temperatures = _temperatures(reader, examples)
    shutil.copytree(source, options.output)
    chosen = {"no_answer_threshold": threshold, "temperatures": temperatures.model_dump()}
    write_json(options.output / EXTRA, {**read_extra(source), **chosen})


def _threshold(examples: Examples[SpanExample], found: Predictions) -> float:
    """Return the threshold that does equally well on both kinds of question."""
    margins = np.array([found.margins[each.id] for each in examples])
    impossible = np.array([each.impossible for each in examples])
    scores = np.array(span_scores(examples, found.best_spans))

    def both(threshold: float) -> tuple[float, float]:
        return _both(margins, scores, impossible, threshold)

    best = max(map(float, margins), key=lambda threshold: min(both(threshold)))
    print("threshold  HasAns F1  NoAns")
    for step in AROUND:
        has, no = both(best + step)
        print(f"{best + step:9.2f} {has:10.1f} {no:6.1f}{'  chosen' if step == 0 else ''}")
    return best


def _both(
    margins: NDArray[np.float64],
    scores: NDArray[np.float64],
    impossible: NDArray[np.bool_],
    threshold: float,
) -> tuple[float, float]:
    """Return F1 of the questions with an answer, and the share right of those without."""
    answered = margins <= threshold
    has = np.where(answered, scores, 0.0)[~impossible].mean()
    return 100 * has, 100 * (~answered)[impossible].mean()


def _temperatures(reader: ExtractiveReader, examples: Examples[SpanExample]) -> Temperatures:
    """Return the temperatures with the least calibration error, both kinds counting alike."""
    golds = SQUAD_V2.golds(examples)
    errors: dict[tuple[float, float], float] = {}
    print("spans  no answer  calibration error  answers with 0.8 or more  of these right")
    for spans in SPANS:
        reader.temperatures = Temperatures(spans=spans)
        found = predict(reader, examples)
        for no_answer in NO_ANSWER:
            scores = _cooled(found, reader.threshold or 0.0, no_answer)
            measured = of_answers(*_evened(found.texts, scores, golds))
            errors[spans, no_answer] = measured.error
            answers, right = _sure(measured)
            print(f"{spans:5} {no_answer:10} {measured.error:18.3f} {answers:25} {right:14.1%}")
    spans, no_answer = min(errors, key=errors.__getitem__)
    print(f"chosen: {spans} and {no_answer}")
    return Temperatures(spans=spans, no_answer=no_answer)


def _cooled(found: Predictions, threshold: float, temperature: float) -> dict[str, float]:
    """Return the scores with another temperature of "no answer" than 1."""
    ahead = {key: threshold - margin for key, margin in found.margins.items()}
    return {
        key: score * sigmoid(ahead[key] / temperature) / max(sigmoid(ahead[key]), 1e-9)
        for key, score in found.scores.items()
    }


def _evened(texts: Texts, scores: Scores, golds: Golds) -> tuple[Texts, Scores, Golds]:
    """Count questions without an answer again until they are half of all."""
    without = [key for key, answers in golds.items() if not answers]
    again = list(itertools.islice(itertools.cycle(without), max(0, len(golds) - 2 * len(without))))
    named = {f"{key}, again {number}": key for number, key in enumerate(again)}
    return (
        {**texts, **{name: texts[key] for name, key in named.items()}},
        {**scores, **{name: scores[key] for name, key in named.items()}},
        {**golds, **{name: golds[key] for name, key in named.items()}},
    )


def _sure(measured: Calibration) -> tuple[int, float]:
    """Return how many answers have a score of 0.8 or more, and the share of these that is right."""
    sure = [each for each in measured.bins if each.low >= 0.8]
    answers = sum(each.answers for each in sure)
    return answers, sum(each.answers * each.right for each in sure) / max(1, answers)


if __name__ == "__main__":
    main()
