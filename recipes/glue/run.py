"""Fine-tune over seeds and tasks, score the dev sets once, and print the tables of docs/tasks.md.

python recipes/glue/run.py alone     each task by its recipe, three seeds (or those named after it)
python recipes/glue/run.py mixed     one body for five tasks, by each kind of rates, and each alone

Runs are in runs/glue/. Interrupted runs continue, and finished ones are not repeated.
"""

import argparse
import statistics
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where verbs.py stands
from verbs import finetuned, scored

GLUE, RUNS = Path("../shared/data/glue"), Path("runs/glue")
MAIN = {"cola": "matthews", "sst2": "accuracy", "mrpc": "f1", "stsb": "spearman", "rte": "accuracy"}
FOLDERS = {"cola": "CoLA", "sst2": "SST-2", "mrpc": "MRPC", "stsb": "STS-B", "rte": "RTE"}
ALONE = {
    **{name: (f"recipes/glue/{name}.toml", GLUE / folder / "dev.tsv", 3) for name, folder in
       {**FOLDERS, "wnli": "WNLI"}.items()},
    "boolq": ("recipes/boolq.toml", Path("../shared/data/superglue/BoolQ/val.jsonl"), 1),
    "wnut17": ("recipes/wnut17.toml", Path("../shared/data/ner/wnut17/emerging.test.annotated"), 3),
}  # fmt: skip
ALONE["sst2"] = (*ALONE["sst2"][:2], 1)
MIXED, SEEDS = "recipes/glue/mixed.toml", range(3)
WAYS = {
    "equal": ["mixture.rates=equal"],
    "proportional": ["mixture.rates=proportional"],
    "proportional, at most 2,000": ["mixture.rates=proportional", "mixture.cap=2000"],
    "temperature 2": ["mixture.rates=temperature", "mixture.temperature=2.0"],
}


def trained(name: str, recipe: str, seed: int, settings: list[str]) -> Path:
    """Fine-tune, unless the run is finished, and return its folder."""
    return finetuned(RUNS / f"{name}-{seed}", recipe, [*settings, f"training.seed={seed}"])


def spread(values: list[float]) -> str:
    """Return mean and sample deviation."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{statistics.fmean(values):.2f} ± {statistics.stdev(values):.2f}"


def alone(*tasks: str) -> None:
    """Each task by its own recipe."""
    print("| task | metric | dev | seeds |\n|---|---|---|---|")
    for task in tasks or ALONE:
        recipe, data, seeds = ALONE[task]
        runs = [scored(trained(task, recipe, s, []), task, data) for s in range(seeds)]
        for metric in runs[0]:
            if " " not in metric:  # not those by type of name
                values = [run[metric] for run in runs]
                print(f"| {task} | {metric} | {spread(values)} | {seeds} |", flush=True)


def mixed() -> None:
    """Five tasks on one body with each kind of rates, and one by one with the same total steps."""
    rows = {
        way: {task: by_way(way, settings, task) for task in MAIN} for way, settings in WAYS.items()
    }
    rows["alone, 120 steps each"] = {task: by_itself(task) for task in MAIN}
    print("| | " + " | ".join(MAIN) + " | average |\n|---|" + "---|" * (len(MAIN) + 1))
    for way, found in rows.items():
        means = [statistics.fmean(each) for each in zip(*found.values(), strict=True)]
        cells = [spread(values) for values in (*found.values(), means)]
        print(f"| {way} | " + " | ".join(cells) + " |", flush=True)


def by_way(way: str, settings: list[str], task: str) -> list[float]:
    """Score a task by the models of all seeds that were trained on the mixture."""
    name = f"mixed-{way.replace(' ', '-').replace(',', '')}"
    return [_main(trained(name, MIXED, seed, settings), task) for seed in SEEDS]


def by_itself(task: str) -> list[float]:
    """Score a task by models of its own, a fifth of the steps each."""
    train = f'"{GLUE}/{FOLDERS[task]}/train.tsv"'
    share = 0.01 if task == "sst2" else 0.1
    only = f'mixture.tasks=[{{task="{task}", data={{train=[{train}], validation_share={share}}}}}]'
    settings = [only, "training.steps=120", "training.eval_steps=30"]
    return [_main(trained(f"mixed-alone-{task}", MIXED, seed, settings), task) for seed in SEEDS]


def _main(run: Path, task: str) -> float:
    return scored(run, task, GLUE / FOLDERS[task] / "dev.tsv")[MAIN[task]]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Fine-tune tasks, and print the tables.")
    parser.add_argument("way", choices=["alone", "mixed"])
    parser.add_argument("tasks", nargs="*", help=f"of `alone`: {', '.join(ALONE)}")
    options = parser.parse_args()
    if unknown := set(options.tasks) - ALONE.keys():
        parser.error(f"no such task: {', '.join(sorted(unknown))}")
    alone(*options.tasks) if options.way == "alone" else mixed()
