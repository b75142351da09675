"""Choose the no-answer threshold at which a reader does equally well with and without an answer.

    python recipes/reader/threshold.py MODEL VALIDATION

`finetune` chooses the best F1 of the validation questions as they are, of which few are
unanswerable: such a reader answers too often. Here the smaller of the two scores is the greatest:
F1 of the questions with an answer, and the share of the others that are not answered. Prints both
for thresholds around it; `recipes/bundle.py --no-answer-threshold` writes the chosen one.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import headwater
from headwater.evaluation.evaluator import predict
from headwater.inference.no_answer import span_scores
from headwater.tasks.squad import SQUAD_V2

AROUND = (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2)


def main() -> None:
    """Read the questions once, and show what each threshold gives."""
    parser = argparse.ArgumentParser(description="Choose a reader's no-answer threshold.")
    parser.add_argument("model")
    parser.add_argument("validation", type=Path, help="a SQuAD 2.0 file")
    options = parser.parse_args()
    examples = SQUAD_V2.read([options.validation])
    found = predict(headwater.load(options.model).predictor(SQUAD_V2), examples)
    margins = np.array([found.margins[each.id] for each in examples])
    impossible = np.array([each.impossible for each in examples])
    scores = np.array(span_scores(examples, found.best_spans))

    def both(threshold: float) -> tuple[float, float]:
        return _both(margins, scores, impossible, threshold)

    best = max(map(float, margins), key=lambda threshold: min(both(threshold)))
    print(f"best: {best:.2f}\nthreshold  HasAns F1  NoAns")
    for step in AROUND:
        has, no = both(best + step)
        print(f"{best + step:9.2f} {has:10.1f} {no:6.1f}")


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


if __name__ == "__main__":
    main()
