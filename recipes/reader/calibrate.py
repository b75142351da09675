"""Choose when a reader says that there is no answer, and how sure it is of the others.

    python recipes/reader/calibrate.py MODEL VALIDATION OUTPUT

`finetune` chooses the threshold with the best F1 of the validation questions as they are, of which
few are unanswerable: such a reader answers too often. Here the smaller of two scores is the
greatest: F1 of the questions with an answer, and the share of the others that are not answered.
Then the temperature: the logits are divided by it before they become probabilities (Guo et al.
2017, section 4.2), so the answers stay what they are; it is the one with the least expected
calibration error of the answers that are said. Both are written into OUTPUT, a copy of the model.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import headwater
from headwater.checkpoints.adapted import open_model
from headwater.checkpoints.folder import read_extra, save_model
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.vocabularies import vocabulary_of
from headwater.data.example import Examples, SpanExample
from headwater.evaluation.calibration import Calibration, calibration
from headwater.evaluation.evaluator import Predictions, predict
from headwater.inference.no_answer import span_scores
from headwater.models.build import Model
from headwater.tasks.squad import SQUAD_V2

AROUND = (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2)
TEMPERATURES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)


def main() -> None:
    """Choose both on the same questions, show what the others give, write the model."""
    parser = argparse.ArgumentParser(description="Choose a reader's threshold and temperature.")
    parser.add_argument("model")
    parser.add_argument("validation", type=Path, help="a SQuAD 2.0 file")
    parser.add_argument("output", type=Path, help="the folder of the calibrated model")
    options = parser.parse_args()
    examples = SQUAD_V2.read([options.validation])
    threshold = _threshold(examples, _predicted(options.model, examples))
    temperature = _temperature(options.model, examples, threshold)
    _write(options.model, options.output, threshold, temperature)


def _predicted(
    name: str, examples: Examples[SpanExample], threshold: float = 0.0, temperature: float = 1.0
) -> Predictions:
    loaded = headwater.load(name, no_answer_threshold=threshold / temperature)
    _divide_logits(loaded.network, temperature)
    return predict(loaded.predictor(SQUAD_V2), examples)


def _divide_logits(model: Model, temperature: float) -> None:
    with torch.no_grad():
        for each in model.get_submodule("head").parameters():
            each.div_(temperature)


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


def _temperature(name: str, examples: Examples[SpanExample], threshold: float) -> float:
    """Return the temperature with the least calibration error of the answers at a threshold."""
    golds = SQUAD_V2.golds(examples)
    errors: dict[float, float] = {}
    print("temperature  calibration error  answers with 0.8 or more  of these right")
    for each in TEMPERATURES:
        found = _predicted(name, examples, threshold, each)
        measured = calibration(found.texts, found.scores, golds)
        errors[each] = measured.error
        answers, right = _sure(measured)
        print(f"{each:11.2f} {measured.error:18.3f} {answers:25} {right:14.1%}")
    best = min(errors, key=errors.__getitem__)
    print(f"chosen: threshold {threshold / best:.3f} at temperature {best}")
    return best


def _sure(measured: Calibration) -> tuple[int, float]:
    """Return how many answers have a score of 0.8 or more, and the share of these that is right."""
    sure = [each for each in measured.bins if each.low >= 0.8]
    answers = sum(each.answers for each in sure)
    return answers, sum(each.answers * each.right for each in sure) / max(1, answers)


def _write(name: str, output: Path, threshold: float, temperature: float) -> None:
    source = resolve(name)
    model = open_model(source).model
    _divide_logits(model, temperature)
    extra = {**read_extra(source), "no_answer_threshold": threshold / temperature}
    save_model(output, model, vocabulary=vocabulary_of(source), extra=extra)


if __name__ == "__main__":
    main()
