"""SST-2 with the small GPT, with and without the auxiliary loss, beside the small BERT.

python recipes/gpt_sst2.py

Of each, the learning rate is chosen on held-out training phrases with seed 0. Then three seeds are
trained and the dev set is scored once per model. Runs are in runs/gpt-sst2; finished ones are kept.
"""

import argparse
import json
import statistics
from pathlib import Path

from verbs import headwater, repeated

DEV, RUNS = Path("../shared/data/glue/SST-2/dev.tsv"), Path("runs/gpt-sst2")
WAYS = {
    "GPT": [],
    "GPT, auxiliary loss": ["auxiliary_lm=0.5"],
    "BERT": ["model=studies/bodies/bert"],
}
RATES, SEEDS = (3e-4, 1e-3), range(3)


def trained(way: str, rate: float, seed: int) -> tuple[Path, float]:
    """Fine-tune once; return the run's folder and its best held-out accuracy."""
    folder = RUNS / f"{way.lower().replace(', ', '-').replace(' ', '-')}-{rate:g}-{seed}"
    kept = folder / "outcome.json"
    if not kept.exists():
        values = (*WAYS[way], f"training.learning_rate={rate}", f"training.seed={seed}")
        given = repeated("--set", values)
        run = ("finetune", "recipes/gpt-sst2.toml", "--output", folder, "--resume", "--json")
        held_out = json.loads(headwater(*run, *given))["best_value"]
        kept.write_text(json.dumps({"held_out": held_out}), encoding="utf-8")
    found: float = json.loads(kept.read_text(encoding="utf-8"))["held_out"]
    return folder, found


def main() -> None:
    """Choose the rates, train the seeds, score the dev set, and print the table."""
    argparse.ArgumentParser(
        description="Fine-tune GPT and BERT on SST-2, and compare."
    ).parse_args()
    print("| | learning rate | dev accuracy |\n|---|---|---|")
    for way in WAYS:
        rate = max(RATES, key=lambda rate: trained(way, rate, 0)[1])
        scores = []
        for seed in SEEDS:
            folder, _ = trained(way, rate, seed)
            given = ("--model", folder, "--task", "sst2", "--data", DEV, "--json")
            scores.append(json.loads(headwater("evaluate", *given))["accuracy"])
        spread = f"{statistics.mean(scores):.2f} ± {statistics.stdev(scores):.2f}"
        print(f"| {way} | {rate:g} | {spread} |", flush=True)


if __name__ == "__main__":
    main()
