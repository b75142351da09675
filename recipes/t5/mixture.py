"""Nine tasks at once, and each alone: what a T5 gains or loses by learning them together.

    python recipes/t5/mixture.py [--set model=MODEL ...]

recipes/t5/mixture.toml trains one model for all; alone, each task gets a ninth of its steps. Dev
sets are scored once by each, and the table is printed. Runs are in runs/t5-mixture: interrupted
ones continue, finished ones are not repeated.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

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


def headwater(*arguments: object) -> str:
    """Call the command line and return what it prints."""
    command = [sys.executable, "-m", "headwater", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Train what is not trained, score what is not scored, print the table."""
    recipe = tomllib.loads(Path(RECIPE).read_text("utf-8"))
    steps = recipe["training"]["steps"] // len(DEV)
    together = trained("together", [])
    print(f"| task | metric | together | alone, {steps} steps |\n|---|---|---|---|")
    for component in recipe["mixture"]["tasks"]:
        task = component["task"]
        only = f"mixture.tasks=[{{{_inline(component)}}}]"
        settings = [only, f"training.steps={steps}", f"training.eval_steps={steps}"]
        alone = trained(task, settings)
        metric = DEV[task][1]
        scores = [scored(run, task)[metric] for run in (together, alone)]
        print(f"| {task} | {metric} | {scores[0]:.1f} | {scores[1]:.1f} |", flush=True)


def trained(name: str, settings: list[str]) -> Path:
    """Fine-tune, unless the run is finished, and return its folder."""
    folder = RUNS / name
    if not (folder / "model").exists():
        given = [part for value in settings for part in ("--set", value)]
        headwater("finetune", RECIPE, "--output", folder, *sys.argv[1:], *given, "--resume")
    return folder


def scored(run: Path, task: str) -> dict[str, float]:
    """Score the dev set once: an existing result is read."""
    kept = run / f"dev-{task}.json"
    if not kept.exists():
        given = ("--model", run, "--task", task, "--data", DATA / DEV[task][0], "--json")
        kept.write_text(headwater("evaluate", *given), encoding="utf-8")
    found: dict[str, float] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _inline(component: dict) -> str:
    """Return a component as the inside of an inline table of TOML."""
    data = ", ".join(f"{key} = {json.dumps(value)}" for key, value in component["data"].items())
    return f'task = "{component["task"]}", data = {{{data}}}'


if __name__ == "__main__":
    main()
