"""Replaced-token detection against masked language modeling at equal cost, by SST-2.

    python recipes/electra/compare.py OUTPUT [--set a.b=VALUE ...]

The cost is that of all matrix products of the pre-training, which `headwater plan` counts: the
generator is part of it. Masked language modeling gets as many steps as cost the same. Then, as for
random weights, the learning rate is chosen on held-out training phrases over three seeds, and the
dev set is scored once per seed. Writes OUTPUT/table.md; what is finished is not repeated, and what
was stopped goes on. --set changes both pre-trainings.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from headwater.files import replace_file

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where verbs.py stands
import verbs

HERE, DEV = Path("recipes/electra"), Path("../shared/data/glue/SST-2/dev.tsv")
RATES, SEEDS = "learning_rate=3e-4,1e-3", 3


def main() -> None:
    """Pre-train both, fine-tune all, and write the table."""
    parser = argparse.ArgumentParser(description="Compare two objectives at equal cost.")
    parser.add_argument("output", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="a.b=VALUE", dest="settings")
    options = parser.parse_args()
    output, settings = options.output, options.settings
    output.mkdir(parents=True, exist_ok=True)
    costs = {name: _cost(HERE / f"{name}.toml", settings) for name in ("replaced", "masked")}
    budget = costs["replaced"]["flops"]
    steps = {name: round(budget / each["step_flops"]) for name, each in costs.items()}
    rows = [_row("random weights", "random.toml", output / "random", [])]
    for name, title in (("masked", "masked tokens"), ("replaced", "replaced tokens")):
        given = [*settings, f"training.steps={steps[name]}"]
        body = verbs.pretrained(output / name, str(HERE / f"{name}.toml"), given)
        cells = f"{steps[name]:,} | {steps[name] * costs[name]['step_flops']:.3g}"
        tuned = output / f"{name}-sst2"
        rows.append(_row(title, "sst2.toml", tuned, [f"model={body}"], cells))
    head = "| | steps | FLOP | learning rate | SST-2 dev, accuracy |\n|---|---|---|---|---|\n"
    table = head + "".join(rows)
    replace_file(output / "table.md", table)
    print(table)


def _cost(recipe: Path, settings: list[str]) -> dict[str, float]:
    """Return the FLOPs of a step, and of all steps."""
    given = verbs.repeated("--set", settings)
    found: dict[str, float] = json.loads(verbs.headwater("plan", recipe, "--json", *given))
    return found


def _row(title: str, recipe: str, output: Path, settings: list[str], cost: str = "0 | 0") -> str:
    """Fine-tune under the better learning rate, and score its seeds."""
    tuned = verbs.tuned(output, str(HERE / recipe), [RATES], SEEDS, settings)
    scores = [verbs.scored(run, "sst2", DEV)["accuracy"] for run in tuned.runs]
    spread = f"{statistics.mean(scores):.2f} ± {statistics.stdev(scores):.2f}"
    return f"| {title} | {cost} | {tuned.settings['training.learning_rate']} | {spread} |\n"


if __name__ == "__main__":
    main()
