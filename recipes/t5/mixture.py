"""Nine tasks at once, and each alone: what a T5 gains or loses by learning them together.

    python recipes/t5/mixture.py MODEL      such as runs/t5-mini

recipes/t5/mixture.toml trains one model for all; alone, each task gets a ninth of its steps. Dev
sets are scored once by each, and the table is printed. Runs are in runs/t5-mixture: interrupted
ones continue, finished ones are not repeated.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where verbs.py stands
from verbs import finetuned, scored

DATA, RUNS, RECIPE = Path("../shared/data"), Path("runs/t5-mixture"), "recipes/t5/mixture.toml"
DEV = {
    "squad": ("qa/squad_v1.1/dev-v1.1.json", "f1"),
    "sst2": ("glue/SST-2/dev.tsv", "accuracy"),
    "cola": ("glue/CoLA/dev.tsv", "matthews"),
    "mrpc": ("glue/MRPC/dev.tsv", "f1"),
    "stsb": ("glue/STS-B/dev.tsv", "spearman"),
    "rte": ("glue/RTE/dev.tsv", "accuracy"),
    "boolq": ("superglue/BoolQ/val.jsonl", "accuracy"),
    "translate_en_de": ("translation/multi30k/test_2016_flickr.en.gz", "bleu"),
    "scitldr": ("summarization/scitldr_a/test.jsonl", "rougeL"),
}


def main() -> None:
    """Train what is not trained, score what is not scored, print the table."""
    recipe = tomllib.loads(Path(RECIPE).read_text("utf-8"))
    steps = recipe["training"]["steps"] // len(DEV)
    parser = argparse.ArgumentParser(description="Train nine tasks together, and one by one.")
    parser.add_argument("model", help="a T5 to begin from")
    given = [f"model={parser.parse_args().model}"]
    together = finetuned(RUNS / "together", RECIPE, given)
    print(f"| task | metric | together | alone, {steps} steps |\n|---|---|---|---|")
    for component in recipe["mixture"]["tasks"]:
        task = component["task"]
        only = f"mixture.tasks=[{{{_inline(component)}}}]"
        settings = [*given, only, f"training.steps={steps}", f"training.eval_steps={steps}"]
        alone = finetuned(RUNS / task, RECIPE, settings)
        file, metric = DEV[task]
        scores = [scored(run, task, DATA / file)[metric] for run in (together, alone)]
        print(f"| {task} | {metric} | {scores[0]:.1f} | {scores[1]:.1f} |", flush=True)


def _inline(component: dict) -> str:
    """Return a component as the inside of an inline table of TOML."""
    data = ", ".join(f"{key} = {json.dumps(value)}" for key, value in component["data"].items())
    return f'task = "{component["task"]}", data = {{{data}}}'


if __name__ == "__main__":
    main()
