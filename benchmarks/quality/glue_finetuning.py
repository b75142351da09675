"""Fine-tuning on GLUE: headwater beside a plain `transformers` loop, in one run.

    python -m benchmarks.quality.glue_finetuning --model MINILM --glue GLUE --results results.jsonl

For each task and seed the same weights are fine-tuned twice by `recipes/glue/TASK.toml`, in turns
(ours, theirs, ours, ...), and the dev set is scored once by the same metrics:

    ours      `headwater.runs.run.finetune` with the recipe
    theirs    the loop of the documentation: AutoTokenizer, AutoModelForSequenceClassification, a
              shuffled DataLoader, DataCollatorWithPadding, AdamW, `get_scheduler`; with the
              defaults of their Trainer where they matter: weight decay on matrices alone,
              gradients clipped to norm 1, the fused update

Alike in both are the examples (a tenth of the training data, another one for each seed, is held
back), learning rate, decay, schedule and warm-up, epochs, rows in a batch, longest input, number
format, and the choice of the weights: those of the epoch that is best on the tenth. Both pad each
batch to its longest row; ours also gathers rows of like length, as headwater always does. Batches
are therefore not the same rows, nor are the new head and dropout drawn alike, so that single seeds
differ; means over seeds are what can be compared.

Examples per second are those of the training steps alone: from the end of the first step of each
epoch to the end of its last one, without evaluation, checkpoints and encoding the texts. The ratios
are of the two turns of a seed. Results are appended to a file, and what stands there is not done
again. Runs on the CPU and needs `transformers`.
"""

import argparse
import copy
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.utils.data import DataLoader

from headwater.data.example import Examples, PairExample
from headwater.data.official_files import official_files
from headwater.data.preparation import prepare
from headwater.device import choose_precision
from headwater.evaluation.evaluator import evaluate
from headwater.inference.loaded import load
from headwater.models.families import FAMILIES
from headwater.runs.recipe import Recipe, load_recipe, resolved
from headwater.runs.run import finetune
from headwater.signals import exit_code
from headwater.tasks.names import task as find_task
from headwater.training.log import read_log
from headwater.training.schedules import warmup_steps

RECIPES = Path(__file__).resolve().parents[2] / "recipes" / "glue"
SIDES = ("ours", "theirs")
Epochs = Sequence[Sequence[tuple[int, float]]]
"""For each epoch, at the end of each step: the examples so far, and the clock in seconds."""


@dataclass(frozen=True)
class Result:
    """What one turn gave; `process` tells whether two turns were in one process.

    metrics: of the dev set, in percent. rate: training examples per second.
    """

    task: str
    seed: int
    side: str
    metrics: dict[str, float]
    rate: float
    process: str
    settings: dict[str, Any]


def recipe_of(task: str, seed: int, options: argparse.Namespace) -> Recipe:
    """Return the task's recipe for this model and data, with every step in the log."""
    declared = find_task(task)
    data = {"train": [str(path) for path in _official(declared, options.glue, "train")]}
    training = {
        "seed": seed,
        "precision": options.precision,
        "device": "cpu",
        "logging_steps": 1,
        "save_steps": 10**6,  # a checkpoint within an epoch would count as training
    }
    given = {"model": str(options.model), "data": data, "training": training}
    if options.most is not None:
        given["data"] = data | {"most": options.most}
    return resolved(load_recipe(Recipe, RECIPES / f"{task}.toml", given, []), FAMILIES["bert"])


def ours(recipe: Recipe, dev: Examples[PairExample]) -> tuple[dict[str, float], Epochs]:
    """Fine-tune by headwater; return the scores of the dev set and the times of the steps."""
    assert recipe.task is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outcome = finetune(recipe, folder)
        if outcome.signalled:  # stopped half-way: no result
            raise SystemExit(exit_code(outcome.reason))
        predictor = load(folder, device="cpu").predictor(find_task(recipe.task))
        metrics = evaluate(predictor, find_task(recipe.task), dev).metrics
        return metrics, epochs_of(read_log(folder / "log.jsonl"))


def epochs_of(log: Sequence[dict[str, Any]]) -> Epochs:
    """Return the steps of a run folder's log by epoch."""
    epochs: list[list[tuple[int, float]]] = [[]]
    for line in log:
        if "loss" in line:
            epochs[-1].append((line["examples"], line["seconds"]))
        elif "epoch" in line:
            epochs.append([])
    return [epoch for epoch in epochs if epoch]


def theirs(recipe: Recipe, dev: Examples[PairExample]) -> tuple[dict[str, float], Epochs]:
    """Fine-tune by the plain loop; return the scores of the dev set and the times of the steps."""
    assert recipe.task is not None and recipe.data is not None
    task, seed = find_task(recipe.task), recipe.training.seed
    data = prepare(task, recipe.data, seed)
    assert data.validation is not None
    loop = PlainLoop(recipe, task.labels)
    best, kept, epochs = float("-inf"), None, []
    for steps in loop.train(data.training):
        epochs.append(steps)
        found = task.score(data.validation, loop.predict(data.validation))[task.main_metric]
        if found > best:
            best, kept = found, copy.deepcopy(loop.model.state_dict())
    if kept is not None:
        loop.model.load_state_dict(kept)
    return task.score(dev, loop.predict(dev)), epochs


class PlainLoop:
    """A model of `transformers` with its tokenizer, and the loop of the documentation."""

    def __init__(self, recipe: Recipe, labels: Sequence[str]) -> None:
        self.recipe, self.labels = recipe, list(labels)
        transformers.set_seed(recipe.training.seed)
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(recipe.model)
        self.model = transformers.AutoModelForSequenceClassification.from_pretrained(
            recipe.model, num_labels=len(labels) or 1, dtype=torch.float32
        )
        self.collate = transformers.DataCollatorWithPadding(self.tokenizer)
        dtype = choose_precision(recipe.training.precision, torch.device("cpu"))
        self.autocast = lambda: torch.autocast("cpu", dtype, enabled=dtype != torch.float32)

    def encode(self, example: PairExample, *, labelled: bool) -> dict[str, Any]:
        """Return one row, not yet padded."""
        longest = self.recipe.sequence.max_length
        row = dict(
            self.tokenizer(example.text_a, example.text_b, truncation=True, max_length=longest)
        )
        if labelled:
            row["labels"] = self.labels.index(example.label) if self.labels else example.score
        return row

    def train(self, examples: Examples[PairExample]) -> Iterator[list[tuple[int, float]]]:
        """Train, and yield the times of each epoch's steps after it."""
        config = self.recipe.training
        rows = [self.encode(example, labelled=True) for example in examples]
        loader = DataLoader(rows, config.batch.examples, shuffle=True, collate_fn=self.collate)
        epochs = int(config.epochs)
        optimizer = self._optimizer()
        total = epochs * len(loader)
        warmup = warmup_steps(config, total)
        scheduler = transformers.get_scheduler("linear", optimizer, warmup, total)
        done = 0
        for _ in range(epochs):
            self.model.train()
            times = []
            for batch in loader:
                with self.autocast():
                    loss = self.model(**batch).loss
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.max_grad_norm)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
                done += len(batch["input_ids"])
                times.append((done, time.perf_counter()))
            yield times

    def _optimizer(self) -> torch.optim.Optimizer:
        matrices = [each for each in self.model.parameters() if each.ndim >= 2]
        vectors = [each for each in self.model.parameters() if each.ndim < 2]
        config = self.recipe.training
        groups = [
            {"params": matrices, "weight_decay": config.decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=config.peak_learning_rate, fused=True)

    def predict(self, examples: Examples[PairExample]) -> dict[str, str]:
        """Return a label or a number for each example, as text, by id."""
        self.model.eval()
        rows = [self.encode(example, labelled=False) for example in examples]
        texts: list[str] = []
        with torch.no_grad(), self.autocast():
            for batch in DataLoader(rows, 32, collate_fn=self.collate):
                logits = self.model(**batch).logits.float()
                if self.labels:
                    texts += [self.labels[number] for number in logits.argmax(-1).tolist()]
                else:
                    texts += [repr(number) for number in logits[:, 0].tolist()]
        return {example.id: text for example, text in zip(examples, texts, strict=True)}


def rate(epochs: Epochs) -> float:
    """Return the examples per second between the first step's end and the last one's."""
    examples = sum(epoch[-1][0] - epoch[0][0] for epoch in epochs)
    seconds = sum(epoch[-1][1] - epoch[0][1] for epoch in epochs)
    if not examples:
        raise SystemExit("an epoch has one step only: too few examples to time; give a larger N")
    return examples / seconds


def run(options: argparse.Namespace) -> list[Result]:
    """Take the turns that are still to be taken; return the results of all."""
    settings = {
        "model": str(options.model),
        "most": options.most,
        "precision": options.precision,
        "threads": torch.get_num_threads(),
    }
    process = f"{os.getpid()} at {time.time():.0f}"
    known = {
        (each.task, each.seed, each.side): each
        for each in read_results(options.results)
        if each.settings == settings
    }
    turns: dict[str, Callable[..., tuple[dict[str, float], Epochs]]]
    turns = dict(zip(SIDES, (ours, theirs), strict=True))
    wanted = [(t, n, s) for t in options.tasks for n in range(options.seeds) for s in SIDES]
    for task, seed, side in wanted:
        if (task, seed, side) in known:
            continue
        recipe = recipe_of(task, seed, options)
        dev = find_task(task).read(_official(find_task(task), options.glue, "validation"))
        metrics, epochs = turns[side](recipe, dev)
        result = Result(task, seed, side, metrics, rate(epochs), process, settings)
        known[task, seed, side] = result
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result)) + "\n")
    return [known[turn] for turn in wanted]


def read_results(path: Path) -> list[Result]:
    """Return what earlier runs wrote."""
    if not path.exists():
        return []
    return [Result(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def table(results: Sequence[Result]) -> str:
    """Return the results as a Markdown table, a line for each metric of each task."""
    lines = [
        "| task | metric | ours | theirs | difference ± its standard error | ours, examples/s "
        "| theirs, examples/s | ratio, median (min to max) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for task in dict.fromkeys(each.task for each in results):
        sides = [[r for r in results if (r.task, r.side) == (task, side)] for side in SIDES]
        rates = [[each.rate for each in side] for side in sides]
        ratios = [mine / other for mine, other in zip(*rates, strict=True)]
        speed = " | ".join(f"{statistics.median(each):.1f}" for each in rates)
        spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
        for metric in sides[0][0].metrics:
            mine, other = ([each.metrics[metric] for each in side] for side in sides)
            scores = f"{mean(mine)} | {mean(other)} | {difference(mine, other)}"
            ratio = f"{statistics.median(ratios):.2f} {spread}"
            lines.append(f"| {task} | {metric} | {scores} | {speed} | {ratio} |")
    return "\n".join(lines)


def mean(values: Sequence[float]) -> str:
    """Return mean and sample deviation."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{statistics.fmean(values):.2f} ± {statistics.stdev(values):.2f}"


def difference(mine: Sequence[float], other: Sequence[float]) -> str:
    """Return the difference of the means and its standard error, of seeds drawn apart."""
    found = f"{statistics.fmean(mine) - statistics.fmean(other):+.2f}"
    if len(mine) == 1:
        return found
    error = sum(statistics.variance(each) / len(each) for each in (mine, other)) ** 0.5
    return f"{found} ± {error:.2f}"


def _official(task: Any, glue: Path, split: Any) -> list[Path]:
    return official_files(task.name, task.files, glue, split)


def main() -> None:
    """Take the turns and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--glue", type=Path, required=True, help="folder of MRPC, STS-B, ...")
    parser.add_argument("--results", type=Path, required=True, help="JSON-lines file to go on with")
    parser.add_argument("--tasks", type=lambda names: names.split(","), default="mrpc,stsb,rte")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    parser.add_argument("--most", type=int, help="train on so many examples, for a trial")
    parser.add_argument("--precision", choices=("auto", "bf16", "fp32"), default="auto")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    results = run(options)
    print(table(results))
    dtype = choose_precision(options.precision, torch.device("cpu"))
    print(
        f"\n{options.seeds} seeds, {torch.get_num_threads()} threads, {dtype}, torch "
        f"{torch.__version__}, transformers {transformers.__version__}; "
        f"turns in {len({each.process for each in results})} process(es)"
    )


if __name__ == "__main__":
    main()
