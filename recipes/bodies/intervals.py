"""The held-out loss of each body with its 95% interval, by sequences drawn again 10,000 times.

    python recipes/bodies/intervals.py           all, from the root of the project
    python recipes/bodies/intervals.py gpt t5    some

The sequences, and the noise on them, are those of the recipe's own evaluation. Before it:
bash recipes/bodies/text.sh
"""

import math
import sys
import tomllib
from pathlib import Path
from typing import cast

import numpy as np

from headwater.data.batching import collate
from headwater.data.convert import FeatureSet
from headwater.evaluation.held_out import spread
from headwater.inference.running import evaluating
from headwater.metrics.resampling import bootstrap, interval
from headwater.metrics.totals import Array
from headwater.models.build import Model
from headwater.models.losses import LossModel
from headwater.runs.objective_component import ObjectiveComponent
from headwater.runs.recipe import PretrainRecipe
from headwater.runs.run import begin

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where verbs.py stands
import verbs

BODIES = ("cbow", "elmo", "gpt", "bert", "t5")


def main() -> None:
    """Measure the bodies that are named."""
    for name in verbs.chosen("Give held-out losses their intervals.", BODIES):
        model, sequences, limit, pad_id = _opened(name)
        with evaluating(model):
            sums = _sums(model, sequences, limit, pad_id)
        drawn = bootstrap(sums)
        loss, (low, high) = sums[:, 0].sum() / sums[:, 1].sum(), interval(drawn[:, 0] / drawn[:, 1])
        print(
            f"{name}: {loss:.3f} ({low:.3f} to {high:.3f}) a token, perplexity "
            f"{math.exp(loss):.1f} ({math.exp(low):.1f} to {math.exp(high):.1f})"
        )


def _opened(name: str) -> tuple[Model, FeatureSet, int, int]:
    """Return a body, its held-out sequences, how many count, and what fills them up."""
    values = tomllib.loads(Path(f"recipes/bodies/{name}.toml").read_text(encoding="utf-8"))
    values.pop("network", None)
    values["model"] = f"studies/bodies/{name}"
    values["corpus"]["train"] = values["corpus"]["validation"]
    values["training"]["precision"] = "fp32"
    run = begin(PretrainRecipe.check(values, name))
    component = run.components[0]
    assert isinstance(component, ObjectiveComponent)
    sequences = component.validation_features(run.recipe, run.setup)
    assert sequences is not None
    return run.setup.model, sequences, component.validation_rows, run.setup.pad_id


def _sums(model: Model, sequences: FeatureSet, limit: int, pad_id: int) -> Array:
    """Return the sum of the losses and the count of tokens `[sequences, 2]`."""
    chosen = spread(len(sequences), limit)
    found = np.empty((len(chosen), 2))
    device, measured = next(model.parameters()).device, cast(LossModel, model)
    for row, features in enumerate(sequences.features(chosen, 0)):
        batch = collate([features], pad_id, device)
        [(name, loss)] = measured.loss_sums(batch).items()
        found[row] = float(loss), measured.loss_counts(batch)[name]
    return found


if __name__ == "__main__":
    main()
