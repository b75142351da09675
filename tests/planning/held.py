"""A process that trains a recipe for two steps, and says what its tensors and what it has held."""

import json
import sys
import tempfile
from pathlib import Path

import torch

from headwater.device import peak_memory
from headwater.planning.counting import Counter
from headwater.runs.recipe import PretrainRecipe
from headwater.runs.run import begin


def main() -> None:
    recipe = PretrainRecipe.check(json.loads(Path(sys.argv[1]).read_text("utf-8")), "recipe")
    cpu = torch.device("cpu")
    run = begin(recipe)
    before = peak_memory(cpu)
    model = run.setup.model
    weights = sum(each.nbytes for each in (*model.parameters(), *model.buffers()))
    with tempfile.TemporaryDirectory() as folder, Counter(fake=False) as counter:
        run.train(Path(folder) / "run", resume=False)
    found = {"held": weights + counter.peak, "process": peak_memory(cpu), "before": before}
    print(json.dumps({**found, "weights": weights}))


if __name__ == "__main__":
    main()
